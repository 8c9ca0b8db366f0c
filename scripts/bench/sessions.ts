import { createPublicKey, type KeyObject, randomBytes, randomInt } from 'node:crypto'
import type { Journal } from '#agent/journal/journal.ts'
import { encodeBatch, PROTOCOL_VERSION, signBatch } from '#protocol/batch.ts'
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

/** Makes sessions with really sealed ratings of random grades. */
export function createSessionMaker(box: string, sealer: Sealer): () => Promise<RatedSession> {
  return async () => {
    const prompt = promptBody()
    const grade = GRADES[randomInt(GRADES.length)]!
    const seal = await sealer.prepare()
    const sealed = await seal.seal({ grade }, 'pad', sealingContext(box, prompt.prompt))
    return { prompt, rating: { prompt: prompt.prompt, provenance: 'pad', sealed } }
  }
}

/** Appends `count` sessions, two entries each, through the real journal. */
export async function fillJournal(journal: Journal, make: () => Promise<RatedSession>, count: number): Promise<void> {
  for (let left = count; left > 0; left--) {
    const { prompt, rating } = await make()
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
  /** The next `count` entries: prompt, rating, prompt, rating … */
  batch(count: number): Promise<MadeBatch>
}

export async function createPaperBox(box: string, boxKey: KeyObject, openingKeyPem: string): Promise<PaperBox> {
  const clock = createSystemClock()
  const make = createSessionMaker(box, await createSealer(createPublicKey(openingKeyPem)))
  const epoch = randomBytes(16)
  let last = { seq: 0, hash: CHAIN_START }
  let halfDone: RatedSession | undefined

  async function nextEntry(): Promise<Uint8Array> {
    const time = { boot: clock.boot, mono: clock.monoMs(), wall: clock.wallMs(), synced: true }
    if (halfDone) {
      const { rating } = halfDone
      halfDone = undefined
      return encodeEntry({ kind: 'rating', time, body: rating })
    }
    halfDone = await make()
    return encodeEntry({ kind: 'prompt', time, body: halfDone.prompt })
  }

  return {
    box,
    async batch(count) {
      const entries: Uint8Array[] = []
      while (entries.length < count) entries.push(await nextEntry())
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
      return { bytes: encodeBatch(signBatch(unsigned, hash, boxKey)), lastSeq, entries: count }
    },
  }
}
