import { createPublicKey, type KeyObject, randomBytes, randomInt } from 'node:crypto'
import type { Journal } from '#agent/journal/journal.ts'
import { PROTOCOL_VERSION, packBatch, signBatch } from '#protocol/batch.ts'
import { CHAIN_START, chainHashes } from '#protocol/chain.ts'
import type { EntryBody } from '#protocol/entry.ts'
import { encodeEntry } from '#protocol/entry.ts'
import { GRADES } from '#protocol/grades.ts'
import { createSealer, type Sealer, sealingContext } from '#protocol/sealing.ts'
import { createSystemClock } from '#runtime/system-clock.ts'

/** One prompt and its rating, as a counter writes them all day. */
export interface RatedSession {
  prompt: EntryBody<'prompt'>
  rating: EntryBody<'rating'>
}

const WINDOW = 'A01'
let services = 0

export function promptBody(): EntryBody<'prompt'> {
  services += 1
  const service = { case: `3700002026112${String(services).padStart(8, '0')}`, service: 1 }
  return { prompt: randomBytes(16), window: WINDOW, origin: 'panel', for: service, clerk: 'c1024' }
}

/** Makes that many sessions with really sealed ratings of random grades. */
export type SessionMaker = (count: number) => Promise<RatedSession[]>

/** Key agreements run in the thread pool, so many are under way at once. */
const MAKING_MAX = 64

export function createSessionMaker(box: string, sealer: Sealer): SessionMaker {
  async function makeOne(): Promise<RatedSession> {
    const prompt = promptBody()
    const grade = GRADES[randomInt(GRADES.length)]!
    const seal = await sealer.prepare()
    const sealed = await seal.seal({ grade }, 'pad', sealingContext(box, prompt.prompt))
    return { prompt, rating: { prompt: prompt.prompt, provenance: 'pad', sealed } }
  }
  return async count => {
    const made: RatedSession[] = []
    while (made.length < count) {
      const group = Math.min(MAKING_MAX, count - made.length)
      made.push(...(await Promise.all(Array.from({ length: group }, makeOne))))
    }
    return made
  }
}

/** Appends sessions, two entries each, through the real journal. */
export function fillJournal(journal: Journal, sessions: readonly RatedSession[]): void {
  for (const { prompt, rating } of sessions) {
    journal.append('prompt', prompt)
    journal.append('rating', rating)
  }
}

export interface MadeBatch {
  bytes: Uint8Array
  lastSeq: number
  entries: number
}

/** A box without a disk: makes signed batches that continue its chain. */
export interface PaperBox {
  box: string
  /** The next `count` entries, at least one: prompt, rating, prompt, rating … */
  batch(count: number): Promise<MadeBatch>
}

export async function createPaperBox(box: string, boxKey: KeyObject, openingKeyPem: string): Promise<PaperBox> {
  const clock = createSystemClock()
  const make = createSessionMaker(box, await createSealer(createPublicKey(openingKeyPem)))
  const epoch = randomBytes(16)
  let last = { seq: 0, hash: CHAIN_START }
  let openRating: RatedSession['rating'] | undefined

  /** The bytes of the next entries; a session may be cut between its prompt and its rating. */
  async function nextEntries(count: number): Promise<Uint8Array[]> {
    const sessions = await make(Math.ceil((count - (openRating ? 1 : 0)) / 2))
    const time = { boot: clock.boot, mono: clock.monoMs(), wall: clock.wallMs(), synced: true }
    const entries = openRating ? [encodeEntry({ kind: 'rating', time, body: openRating })] : []
    openRating = undefined
    for (const { prompt, rating } of sessions) {
      entries.push(encodeEntry({ kind: 'prompt', time, body: prompt }))
      if (entries.length === count) openRating = rating
      else entries.push(encodeEntry({ kind: 'rating', time, body: rating }))
    }
    return entries
  }

  return {
    box,
    async batch(count) {
      const entries = await nextEntries(count)
      const first = last.seq + 1
      const lastSeq = last.seq + count
      const unsigned = {
        version: PROTOCOL_VERSION,
        box,
        epoch,
        first,
        previous: last.hash,
        entries,
        newest: lastSeq,
      } as const
      const hash = chainHashes(unsigned, first, last.hash, entries).at(-1)!
      last = { seq: lastSeq, hash }
      return { bytes: packBatch(signBatch(unsigned, hash, boxKey)), lastSeq, entries: count }
    },
  }
}
