import { fromHex, toHex } from '#protocol/codec.ts'
import { decodeEntry, type Entry, type EntryBody, type EntryKind } from '#protocol/entry.ts'

export interface OpenPrompt {
  prompt: Uint8Array
  window: string
}

/**
 * Prompts that have no end yet, kept as text in the journal's head. The head is written when one opens, never for an
 * end: a press would wait for that. So the text may name prompts that have ended since, which `stillOpen` finds.
 */
export interface OpenPrompts {
  all(): OpenPrompt[]
  /** The text to be written with this entry; undefined where none needs to be. */
  after(kind: EntryKind, body: EntryBody<EntryKind>): string | undefined
  /** The entry is on disk. */
  appended(kind: EntryKind, body: EntryBody<EntryKind>): void
  /** Follows an entry that is on disk, by its bytes. */
  follow(bytes: Uint8Array): void
  text(): string
}

export function createOpenPrompts(stored: string): OpenPrompts {
  /** By prompt, hex. */
  const windows = parse(stored)

  return {
    all: () => [...windows].map(([prompt, window]) => ({ prompt: fromHex(prompt), window })),
    after(kind, body) {
      if (kind !== 'prompt') return undefined
      const next = new Map(windows)
      follow(next, kind, body)
      return JSON.stringify([...next])
    },
    appended: (kind, body) => follow(windows, kind, body),
    follow(bytes) {
      const entry = decodeEntry(bytes)
      if (entry.ok) follow(windows, entry.value.kind, entry.value.body)
    },
    text: () => JSON.stringify([...windows]),
  }
}

const parse = (text: string) => new Map(JSON.parse(text) as [prompt: string, window: string][])

function follow(open: Map<string, string>, kind: EntryKind, body: EntryBody<EntryKind>): void {
  if (kind === 'prompt') {
    const { prompt, window } = body as EntryBody<'prompt'>
    open.set(toHex(prompt), window)
  } else if (kind === 'rating' || kind === 'outcome') {
    open.delete(toHex((body as EntryBody<'outcome'>).prompt))
  }
}

/**
 * Of the prompts in this text those that no entry has ended. Looks back from the end of the journal as far as the
 * oldest of them: a few entries, since the text is written whenever one opens.
 */
export function stillOpen(stored: string, newestFirst: Iterable<Entry>): string {
  const named = parse(stored)
  if (named.size === 0) return stored
  const open = new Map(named)
  const sought = new Set(named.keys())
  for (const { kind, body } of newestFirst) {
    if (kind === 'prompt') sought.delete(toHex((body as EntryBody<'prompt'>).prompt))
    else follow(open, kind, body)
    if (sought.size === 0) break
  }
  return JSON.stringify([...open])
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
