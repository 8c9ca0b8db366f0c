import type { Prompts } from '#collector/cases/prompts.ts'
import type { RegisterService } from '#collector/cases/register-service.ts'
import type { BoxView, HealthView, PoolView, QuarantineView, ServicePage, ServiceView } from '#collector/schemas.ts'

/** What the API can do; routes only translate to it. */
export interface Verbs {
  registerService: RegisterService
  listServices(limit: number, before: number | undefined): Promise<ServicePage>
  findService(caseNumber: string, service: number): Promise<ServiceView | undefined>
  prompts: Prompts
  listBoxes(): Promise<BoxView[]>
  listPool(limit: number): Promise<PoolView[]>
  listQuarantine(limit: number): Promise<QuarantineView[]>
  health(): Promise<HealthView>
}
