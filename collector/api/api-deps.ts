import type { Logger } from '#runtime/logger.ts'
import type { EventHub } from './events.ts'
import type { Keyring } from './keyring.ts'
import type { Verbs } from './verbs.ts'

export interface ApiOptions {
  /** Host names, besides addresses and localhost, under which the API may be called. */
  names: readonly string[]
  openToLoopback: boolean
  requestsPerMinuteMax: number
  /** Folder of the built pages, served at `/` when it is there. */
  pages: string
}

export interface ApiDeps {
  verbs: Verbs
  keyring: Keyring
  events: EventHub
  log: Logger
  options: ApiOptions
}
