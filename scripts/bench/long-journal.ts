import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { writePastFile } from '#agent/journal/past-file.ts'
import type { EntryRow } from '#agent/journal/store.ts'
import { CHAIN_START, entryHash } from '#protocol/chain.ts'
import { type Entry, encodeEntry } from '#protocol/entry.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import { promptBody } from './sessions.ts'

/**
 * Writes the journal of a box that was offline for long: `entries` of prompts and ratings that no collector has
 * seen. Written in one go, not appended, so it takes seconds; the seals hold nothing, which nobody can tell.
 */
export function writeLongJournal(folder: string, box: string, entries: number): void {
  const clock = createSystemClock()
  const epoch = randomBytes(16)
  const rows: EntryRow[] = []
  let previous = CHAIN_START
  const add = (entry: Entry) => {
    const bytes = encodeEntry(entry)
    const seq = rows.length + 1
    const hash = entryHash({ box, epoch }, seq, previous, bytes)
    rows.push({ seq, bytes, hash, previous })
    previous = hash
  }
  while (rows.length < entries) {
    const time = { boot: clock.boot, mono: clock.monoMs(), wall: clock.wallMs(), synced: true }
    const prompt = promptBody()
    const sealed = { key: randomBytes(8), enc: randomBytes(32), text: randomBytes(64) }
    add({ kind: 'prompt', time, body: prompt })
    add({ kind: 'rating', time, body: { prompt: prompt.prompt, provenance: 'pad', sealed } })
  }
  writePastFile(join(folder, 'journal.db'), { box, epoch, rows })
}
