import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toHex } from '#protocol/codec.ts'
import type { Entry } from '#protocol/entry.ts'
import { createOpenPrompts, stillOpen } from './open-prompts.ts'

const time = { boot: new Uint8Array(16), mono: 1, wall: 1, synced: true }
const id = (n: number) => new Uint8Array(16).fill(n)
const prompt = (n: number): Entry => ({
  kind: 'prompt',
  time,
  body: { prompt: id(n), window: `W${n % 3}`, origin: 'panel' },
})
const ended = (n: number): Entry => ({ kind: 'outcome', time, body: { prompt: id(n), outcome: 'timed-out' } })
const fault: Entry = { kind: 'pad', time, body: { window: 'W1', state: 'lost' } }

/** Prompts that open and end in any order, each at most once, and other things between. */
const journals = fc
  .array(fc.record({ n: fc.nat(20), what: fc.constantFrom('prompt', 'end', 'fault') }), { maxLength: 60 })
  .map(steps => {
    const opened = new Set<number>()
    const over = new Set<number>()
    return steps.flatMap(({ n, what }): Entry[] => {
      if (what === 'fault') return [fault]
      if (what === 'prompt' ? opened.has(n) : !opened.has(n) || over.has(n)) return []
      ;(what === 'prompt' ? opened : over).add(n)
      return [what === 'prompt' ? prompt(n) : ended(n)]
    })
  })

test('whenever the power goes, what is stored and what came after it say which prompts were open', () => {
  fc.assert(
    fc.property(journals, entries => {
      const open = createOpenPrompts('[]')
      let stored = '[]'
      const written: Entry[] = []
      const truth = new Map<string, string>()
      for (const entry of entries) {
        stored = open.after(entry.kind, entry.body) ?? stored
        open.appended(entry.kind, entry.body)
        written.push(entry)
        if (entry.kind === 'prompt') truth.set(toHex(entry.body.prompt), entry.body.window)
        if (entry.kind === 'outcome') truth.delete(toHex(entry.body.prompt))
        expect(new Map(JSON.parse(stillOpen(stored, [...written].reverse())))).toEqual(truth)
        expect(new Map(JSON.parse(open.text()))).toEqual(truth)
      }
    }),
  )
})

test('looks back no further than the oldest prompt that is named', () => {
  const open = createOpenPrompts('[]')
  const stored = open.after('prompt', prompt(1).body)!
  function* back(): Generator<Entry> {
    yield fault
    yield prompt(1)
    throw new Error('looked too far')
  }
  expect(JSON.parse(stillOpen(stored, back()))).toEqual([[toHex(id(1)), 'W1']])
  expect(stillOpen('[]', back())).toBe('[]')
})
