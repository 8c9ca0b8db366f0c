import type { Clock, RandomBytes } from '#protocol/clock.ts'
import type { Entry, EntryBody, EntryKind, EntryTime } from '#protocol/entry.ts'
import type { Result } from '#protocol/result.ts'
import type { PastChain } from './past-chain.ts'
import type { Piece } from './piece.ts'

/** The durable, hash-linked sequence of what this box wrote (日志链). Append-only; only a receipt frees an entry. */
export interface Journal {
  readonly epoch: Uint8Array
  /** Why this epoch begins, and where the one before ended as far as is known; undefined once it has an entry. */
  readonly origin: EntryBody<'boot'>['origin'] | undefined
  /** Prompts that were open when the journal was opened: the process before this one was stopped in the middle. */
  readonly openPrompts: readonly { prompt: Uint8Array; window: string }[]
  /** What was salvaged of journals before this one, oldest first: to be sent before anything of this. */
  past(): readonly PastChain[]
  /**
   * Appends one entry and returns its number and hash.
   *
   * On return the entry is on disk (one fsync). Numbers start at 1, have no holes and are never given
   * twice. A full disk is met with the ballast first. Throws if the disk refuses; the caller must not thank the
   * citizen then, and nothing of this journal can be used any more.
   * A body that says something of its own instant is made from the very stamp it is written with.
   */
  append<K extends EntryKind>(
    kind: K,
    body: EntryBody<K> | ((time: EntryTime) => EntryBody<K>),
  ): { seq: number; hash: Uint8Array }
  /** Number and hash of the newest entry; 0 and the chain's start when there is none. */
  newest(): { seq: number; hash: Uint8Array }
  /** Up to which number the collector has sent a receipt; 0 when none. */
  receiptedSeq(): number
  /** Entries that have no receipt. */
  backlog(): number
  /**
   * Entries after `seq`, oldest first, at most `entriesMax` and what fits one batch: what was written, or it
   * throws. Where those were forgotten it begins with the oldest that is kept.
   */
  read(seq: number, entriesMax: number): Piece
  /**
   * Moves the cursor to what a receipt says, also backwards (a collector restored from an old backup), as far as
   * entries are kept. `at` is the collector's time. Refuses a receipt for an entry this journal has not, or has
   * with another hash.
   */
  receipt(seq: number, hash: Uint8Array, at: number): Result<void>
  /**
   * The collector has another continuation of this journal than what follows the cursor: the next start begins a
   * new epoch, in which those entries are sent as an epoch of their own. Until then it goes on taking entries.
   */
  contradicted(): void
  /** Entries from the newest back, also those of the journal before, for what must be known again after a restart. */
  newestFirst(): Iterable<Entry>
  /** Whether a prompt may be opened: there is room for everything that can follow it. */
  hasRoom(): boolean
  /**
   * One bounded piece of what can wait for a quiet time; true when there is more. Moves the log into the file once
   * there is enough of it (each checkpoint writes whole pages anew, so one per entry would wear the card out),
   * forgets entries whose receipt is old enough, and makes the ballast whole.
   */
  checkpoint(): boolean
  close(): void
}

/** How much of what has its receipts is kept, and what is held for a full disk. */
export interface JournalLimits {
  /** How long, by the collector's time. */
  receiptedMs: number
  /** What all entries may take before receipted ones go. */
  storeBytes: number
  ballastBytes: number
}

export const JOURNAL_LIMITS: JournalLimits = {
  receiptedMs: 90 * 86_400_000,
  storeBytes: 256 * 1024 * 1024,
  ballastBytes: 8 * 1024 * 1024,
}

/** Refused at opening: the store cannot be used by this process. */
export type JournalFault = {
  code: 'journal-busy' | 'journal-not-writable' | 'journal-not-durable' | 'journal-of-another-box'
  detail: string
}

export interface JournalDeps {
  /** Folder; made when missing. */
  directory: string
  box: string
  clock: Clock
  randomBytes: RandomBytes
  limits?: JournalLimits
}
