import Database from 'better-sqlite3'
import { toHex } from '#protocol/codec.ts'
import type { VerifyFault } from './fault.ts'
import { scanPrompt } from './scan-entry.ts'

export interface PromptCounts {
  opened: number
  ended: number
  /** Opened and not ended yet. */
  open: number
}

/** Follows every prompt from its opening to its one end, on disk: a year has millions of them. */
export interface Conservation {
  /** An entry of a box, in position order. */
  add(entry: { position: number; box: string; kind: string; bytes: Buffer }): void
  finish(): PromptCounts
}

const SLICE_ENTRIES = 10_000
const NAMED_MAX = 100

export function createConservation(deps: {
  path: string
  report(fault: VerifyFault): void
  /** Whether entries of a box are missing for ever, so that ends of prompts may be all that is left of them. */
  hasGaps(box: string): boolean
}): Conservation {
  const raw = new Database(deps.path)
  raw.pragma('journal_mode = off')
  raw.pragma('synchronous = off')
  raw.exec(`create table prompts (box text, prompt blob, opened integer, ended integer, primary key (box, prompt))
    without rowid; begin`)
  const known = raw.prepare<unknown[], { opened: number | null; ended: number | null }>(
    'select opened, ended from prompts where box = ? and prompt = ?',
  )
  const set = (column: 'opened' | 'ended') =>
    raw.prepare(
      `insert into prompts (box, prompt, ${column}) values (?, ?, ?) on conflict do update set ${column} = excluded.${column}`,
    )
  const [open, end] = [set('opened'), set('ended')]
  let entries = 0

  function broken(position: number, box: string, prompt: Uint8Array, detail: string) {
    const code = 'prompt-not-conserved'
    deps.report({ code, table: 'evidence', position, box, detail: `prompt ${toHex(prompt)} ${detail}` })
  }

  return {
    add({ position, box, kind, bytes }) {
      if (kind !== 'prompt' && kind !== 'rating' && kind !== 'correction' && kind !== 'outcome') return
      const prompt = scanPrompt(bytes)
      if (!prompt) return
      const before = known.get(box, prompt)
      if (kind === 'prompt') {
        if (before?.opened) broken(position, box, prompt, 'is opened a second time')
        else open.run(box, prompt, position)
      } else if (!before?.ended) end.run(box, prompt, position)
      else if (kind !== 'correction') broken(position, box, prompt, 'has ended before')
      entries += 1
      if (entries % SLICE_ENTRIES === 0) raw.exec('commit; begin')
    },
    finish() {
      const unopened = raw.prepare<[], { box: string; prompt: Buffer; ended: number }>(
        'select box, prompt, ended from prompts where opened is null order by ended',
      )
      let named = 0
      for (const { box, prompt, ended } of unopened.iterate()) {
        if (deps.hasGaps(box) || named++ >= NAMED_MAX) continue
        broken(ended, box, prompt, 'has an end, and was never opened')
      }
      const counts = raw
        .prepare<[], { opened: number; ended: number }>(
          'select count(opened) as opened, count(ended) as ended from prompts where opened is not null',
        )
        .get()!
      raw.exec('commit')
      raw.close()
      return { ...counts, open: counts.opened - counts.ended }
    },
  }
}
