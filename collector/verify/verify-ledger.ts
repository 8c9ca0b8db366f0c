import { createHash, type Hash } from 'node:crypto'
import { chinaDay, dayStartWallMs, formatDay } from '#collector/projection/day.ts'
import { createMerkleTree, type MerkleTree } from '#protocol/digest.ts'
import { type BatchItem, PARTS } from './batch-item.ts'

/** What a digest must say of one hall and day, and where that day's entries are. */
export interface DueDigest {
  hall: string
  day: string
  entries: number
  /** latin1. */
  root: string
  batches: string
  from: number
  to: number
  /** Something of that hall and day is already known to be wrong: then the digest cannot be right. */
  isDirty: boolean
}

/** Adds up a day as `DayLedger` does, from what is read back. Its figures are made for speed. */
export interface VerifyLedger {
  /** Whether what is received then belongs to a later day than the one that is open. */
  isLater(receivedAtMs: number): boolean
  /** The hall of the open day. */
  hall(name: string): HallSum
  markDirty(hall: string): void
  /** Everything due for the open day, in the order of the halls' names. */
  due(): DueDigest[]
  /** Goes on with a new day. */
  open(day: number): void
}

export interface HallSum {
  tree: MerkleTree
  addBatch(item: BatchItem): void
}

const CHUNK_BYTES = 16 * 1024

export function createVerifyLedger(): VerifyLedger {
  let day = Number.NEGATIVE_INFINITY
  let endsAtMs = Number.NEGATIVE_INFINITY
  let halls = new Map<string, Sum>()

  function hall(name: string): Sum {
    const known = halls.get(name)
    if (known) return known
    const made = createSum()
    halls.set(name, made)
    return made
  }

  return {
    isLater: receivedAtMs => receivedAtMs >= endsAtMs,
    hall,
    markDirty(name) {
      hall(name).isDirty = true
    },
    due: () =>
      [...halls]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, sum]) => ({ hall: name, day: formatDay(day), ...sum.figures(), isDirty: sum.isDirty })),
    open(next) {
      day = next
      endsAtMs = dayStartWallMs(next + 1)
      halls = new Map()
    },
  }
}

export const dayIn = chinaDay

interface Sum extends HallSum {
  isDirty: boolean
  figures(): Pick<DueDigest, 'entries' | 'root' | 'batches' | 'from' | 'to'>
}

function createSum(): Sum {
  const tree = createMerkleTree()
  const batches: Hash = createHash('sha256')
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
  let filled = 0
  let from = 0
  let to = 0

  function flush() {
    batches.update(chunk.subarray(0, filled))
    filled = 0
  }

  return {
    tree,
    isDirty: false,
    addBatch({ blob, lineAt, at, first_position, last_position }) {
      const bytes = at + PARTS.end - lineAt
      if (filled + bytes > CHUNK_BYTES) flush()
      if (from === 0) from = first_position
      to = last_position
      blob.copy(chunk, filled, lineAt, lineAt + bytes)
      filled += bytes
    },
    figures() {
      flush()
      return { entries: tree.size(), root: tree.root(), batches: batches.copy().digest('binary'), from, to }
    },
  }
}
