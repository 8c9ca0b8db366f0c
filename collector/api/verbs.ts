import type { PromptCountsQuery } from '#collector/cases/prompt-counts.ts'
import type { Prompts } from '#collector/cases/prompts.ts'
import type { RegisterService } from '#collector/cases/register-service.ts'
import type { Decisions } from '#collector/fleet/decisions.ts'
import type { RefusedAttempts } from '#collector/fleet/refused-attempts.ts'
import type { ParcelIntake } from '#collector/ingest/parcel-intake.ts'
import type {
  BoxView,
  DigestView,
  GapView,
  HealthView,
  PoolView,
  PromptCountsView,
  QuarantineView,
  ServicePage,
  ServiceView,
} from '#collector/schemas.ts'

/** What the API can do; routes only translate to it. */
export interface Verbs {
  registerService: RegisterService
  listServices(limit: number, before: number | undefined): Promise<ServicePage>
  findService(caseNumber: string, service: number): Promise<ServiceView | undefined>
  prompts: Prompts
  listBoxes(): Promise<BoxView[]>
  /** What is missing of the boxes' entries, still expected or never to come. */
  listGaps(): Promise<GapView[]>
  countPrompts(query: PromptCountsQuery): Promise<PromptCountsView>
  /** Takes the batches of a parcel, as if they had come over the broker. */
  takeParcel: ParcelIntake['take']
  decisions: Decisions
  /** Keeps that somebody tried to change what is fixed. */
  noteRefused: RefusedAttempts['note']
  listPool(limit: number): Promise<PoolView[]>
  listQuarantine(limit: number): Promise<QuarantineView[]>
  /** Digests of a day (`YYYY-MM-DD`), one a hall. */
  listDigests(day: string): Promise<DigestView[]>
  health(): Promise<HealthView>
}
