import type { KeyObject } from 'node:crypto'
import { ok, type Result } from '#protocol/result.ts'
import { createOpening } from './opening/opening.ts'
import { digestProjections } from './projection/dump.ts'
import { rebuildProjections } from './projection/projector.ts'
import { openStore } from './store/store.ts'

export interface Rebuilt {
  entries: number
  /** Whether every projection is what it was, byte for byte. */
  isSame: boolean
  /** SHA-256 over all projections, hex. */
  digest: string
}

/** Makes the projections of a store anew. Refused while a collector runs on it. */
export async function rebuildStore(path: string, openingKeys: readonly KeyObject[]): Promise<Result<Rebuilt>> {
  const store = await openStore(path)
  if (!store.ok) return store
  const { db, close } = store.value
  try {
    const before = await digestProjections(db)
    const entries = await rebuildProjections(db, await createOpening(openingKeys))
    const digest = await digestProjections(db)
    return ok({ entries, isSame: before === digest, digest })
  } finally {
    await close()
  }
}
