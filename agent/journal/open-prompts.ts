import { fromHex, toHex } from '#protocol/codec.ts'
import { decodeEntry, type Entry, type EntryBody, type EntryKind } from '#protocol/entry.ts'

export interface OpenPrompt {
  prompt: Uint8Array
  window: string
}

/** Prompts that have no end yet, kept as text in the journal's head. */
export interface OpenPrompts {
  all(): OpenPrompt[]
  /** Their text once this entry is written; undefined where it changes nothing. Nothing counts until `written`. */
  after(kind: EntryKind, body: EntryBody<EntryKind>): string | undefined
  written(text: string): void
  /** Follows an entry that is on disk, by its bytes. */
  follow(bytes: Uint8Array): void
  text(): string
}

export function createOpenPrompts(stored: string): OpenPrompts {
  /** By prompt, hex. */
  let windows = parse(stored)

  return {
    all: () => [...windows].map(([prompt, window]) => ({ prompt: fromHex(prompt), window })),
    after(kind, body) {
      const next = new Map(windows)
      if (!follow(next, kind, body)) return undefined
      return JSON.stringify([...next])
    },
    written(text) {
      windows = parse(text)
    },
    follow(bytes) {
      const entry = decodeEntry(bytes)
      if (entry.ok) follow(windows, entry.value.kind, entry.value.body)
    },
    text: () => JSON.stringify([...windows]),
  }
}

const parse = (text: string) => new Map(JSON.parse(text) as [prompt: string, window: string][])

/** Whether the entry opened a prompt or ended one that was open. */
function follow(open: Map<string, string>, kind: EntryKind, body: EntryBody<EntryKind>): boolean {
  if (kind === 'prompt') {
    const { prompt, window } = body as EntryBody<'prompt'>
    open.set(toHex(prompt), window)
    return true
  }
  if (kind !== 'rating' && kind !== 'outcome') return false
  return open.delete(toHex((body as EntryBody<'outcome'>).prompt))
}

/** How far back from the end of a journal an open prompt can be: every window has one at most. */
const LOOKED_BACK = 500

/** The text of what was open where a journal broke off. `newestFirst`: from its end back, without a hole. */
export function openAtEnd(newestFirst: Iterable<Entry>): string {
  const newest: Entry[] = []
  for (const entry of newestFirst) {
    if (newest.push(entry) >= LOOKED_BACK) break
  }
  const open = new Map<string, string>()
  for (const { kind, body } of newest.reverse()) follow(open, kind, body)
  return JSON.stringify([...open])
}
