import type { Clock } from '#protocol/clock.ts'
import type { Logger } from '#runtime/logger.ts'
import { storeRefusal } from './store.ts'

/** Whether the store can be written: told once when that changes. */
export interface StoreWatch {
  isRefusing(): boolean
  /** A write failed. Gives the fault to answer with; rethrows what is no refusal of the store but our own bug. */
  refused(error: unknown): { code: string; detail: string }
  /** The same for somebody who tries again: resolves when it is time to. */
  refusedAndWait(error: unknown): Promise<void>
  /** A write succeeded. */
  stored(): void
}

const RETRY_MS = 1000

export function createStoreWatch(deps: { clock: Clock; log: Logger }): StoreWatch {
  let isRefusing = false

  function refused(error: unknown) {
    const reason = storeRefusal(error)
    if (!reason) throw error
    if (!isRefusing) deps.log.error({ reason }, 'store-refuses')
    isRefusing = true
    return { code: 'store-refused', detail: `the store cannot be written: ${reason}` }
  }

  return {
    isRefusing: () => isRefusing,
    refused,
    async refusedAndWait(error) {
      refused(error)
      await new Promise<void>(resolve => deps.clock.after(RETRY_MS, resolve))
    },
    stored() {
      if (isRefusing) deps.log.info('store-writes-again')
      isRefusing = false
    },
  }
}
