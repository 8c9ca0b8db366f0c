import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TestBox } from '#collector/fixtures/box.ts'
import { createTestCollector, type TestCollector } from '#collector/fixtures/core.ts'
import { chinaDay, formatDay } from '#collector/projection/day.ts'
import { rebuildStore } from '#collector/rebuild.ts'
import type { PromptCountsView } from '#collector/schemas.ts'
import { CANCEL_REASONS, decodeEntry, encodeEntry } from '#protocol/entry.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'

const NOW_MS = Date.UTC(2026, 10, 24, 2)
const HOUR_MS = 3_600_000
const ENDS = ['rated', 'declined', 'timed-out', 'cancelled', 'pad-unavailable'] as const
type End = (typeof ENDS)[number]

interface Ask {
  window: string
  clerk?: string
  /** How long before now by the box's clock. */
  agoMs?: number
  synced?: boolean
}

function ask(box: TestBox, { window, clerk, agoMs = 0, synced = true }: Ask): Uint8Array {
  const prompt = new Uint8Array(randomBytes(16))
  const body = { prompt, window, origin: 'panel', ...(clerk ? { clerk } : {}) } as const
  box.write({ kind: 'prompt', body, time: { wall: NOW_MS - agoMs, synced } })
  return prompt
}

/** The box has just learnt the time: nothing after it can have been yesterday. */
function learnTime(box: TestBox) {
  box.write({ kind: 'anchor', body: { truth: NOW_MS - HOUR_MS, errorMs: 50, source: 'session' } })
}

async function end(box: TestBox, prompt: Uint8Array, how: End, reason?: string) {
  if (how === 'rated') await box.rate(prompt, 'satisfied')
  else box.outcome(prompt, how, how === 'cancelled' ? reason : undefined)
}

async function setUp() {
  const collector = await createTestCollector({ clock: createFakeClock(NOW_MS) })
  const box = collector.box('box-1')
  await collector.enrol(box)
  return { collector, box }
}

const today = chinaDay(NOW_MS)
const counts = async (collector: TestCollector, query: Partial<{ from: number; to: number; window: string }> = {}) =>
  (await collector.core.verbs.countPrompts({ from: today - 400, to: today, ...query })).counts

function sum(row: PromptCountsView['counts'][number]): number {
  return row.rated + row.declined + row['timed-out'] + row.cancelled + row['pad-unavailable'] + row.open
}

describe('prompts are counted', () => {
  test('by window and by how they ended, with who cancelled them and why', async () => {
    const { collector, box } = await setUp()
    learnTime(box)
    for (const how of ENDS) await end(box, ask(box, { window: 'A01', clerk: '王芳' }), how, 'wrong-case')
    await end(box, ask(box, { window: 'A01', clerk: '王芳' }), 'cancelled', 'wrong-case')
    await end(box, ask(box, { window: 'A01' }), 'cancelled', 'training')
    ask(box, { window: 'A02' })
    await collector.send('box-1', box.batch())
    expect(await counts(collector)).toEqual([
      {
        day: '2026-11-24',
        window: 'A01',
        prompts: 7,
        rated: 1,
        declined: 1,
        'timed-out': 1,
        cancelled: 3,
        'pad-unavailable': 1,
        open: 0,
        dayUncertain: 0,
        cancels: expect.arrayContaining([
          { clerk: '王芳', reason: 'wrong-case', prompts: 2 },
          { clerk: null, reason: 'training', prompts: 1 },
        ]),
      },
      expect.objectContaining({ window: 'A02', prompts: 1, open: 1, cancels: [] }),
    ])
    expect(await counts(collector, { window: 'A02' })).toHaveLength(1)
  })

  test('on the day they were opened by the calendar of China, midnight being there', async () => {
    const { collector, box } = await setUp()
    // It is ten in the morning in China.
    ask(box, { window: 'A01', agoMs: 10 * HOUR_MS + 1 })
    ask(box, { window: 'A01', agoMs: 10 * HOUR_MS })
    await collector.send('box-1', box.batch())
    expect((await counts(collector)).map(({ day, prompts }) => [day, prompts])).toEqual([
      ['2026-11-23', 1],
      ['2026-11-24', 1],
    ])
    expect(await counts(collector, { from: today, to: today })).toHaveLength(1)
  })

  test.each([
    ['was not set', { agoMs: 72 * HOUR_MS, synced: false }],
    ['is ahead of the receipt', { agoMs: -72 * HOUR_MS }],
    ['is in another century', { agoMs: NOW_MS + 1 }],
  ])('on the day of the receipt where the clock of the box %s, which is said', async (_, time) => {
    const { collector, box } = await setUp()
    ask(box, { window: 'A01', ...time })
    await collector.send('box-1', box.batch())
    expect(await counts(collector)).toMatchObject([{ day: '2026-11-24', prompts: 1, dayUncertain: 1 }])
  })

  test('with one line for a clerk and a reason, whichever clock gave the day', async () => {
    const { collector, box } = await setUp()
    for (const synced of [true, false]) {
      box.outcome(ask(box, { window: 'A01', clerk: '王芳', synced }), 'cancelled', 'training')
    }
    await collector.send('box-1', box.batch())
    expect((await counts(collector))[0]!.cancels).toEqual([{ clerk: '王芳', reason: 'training', prompts: 2 }])
  })

  test('not before they are known to have been opened, and once however often they come', async () => {
    const { collector, box } = await setUp()
    const prompt = new Uint8Array(randomBytes(16))
    box.outcome(prompt, 'declined')
    await collector.send('box-1', box.batch(1, 1))
    expect(await counts(collector)).toEqual([])
    box.prompt(undefined, prompt)
    box.prompt(undefined, prompt)
    box.outcome(prompt, 'timed-out')
    await collector.send('box-1', box.batch(2))
    expect(await counts(collector)).toMatchObject([{ prompts: 1, declined: 1 }])
  })
})

test('to cancel without a reason is no entry, whoever writes it', () => {
  const time = { boot: new Uint8Array(16), mono: 0, wall: 0, synced: false }
  const prompt = new Uint8Array(16)
  const body = { prompt, outcome: 'cancelled' as const }
  expect(() => encodeEntry({ kind: 'outcome', time, body })).toThrow('must have a reason')
  const bytes = Buffer.from(encodeEntry({ kind: 'outcome', time, body: { prompt, outcome: 'declined' } }))
  const forged = Buffer.concat([
    bytes.subarray(0, bytes.indexOf('declined') - 1),
    Buffer.from([0x69]),
    Buffer.from('cancelled'),
    bytes.subarray(bytes.indexOf('declined') + 'declined'.length),
  ])
  expect(decodeEntry(forged)).toMatchObject({
    ok: false,
    error: { detail: expect.stringContaining('must have a reason') },
  })
})

const happening = fc.record({
  box: fc.nat(1),
  act: fc.oneof(
    { weight: 5, arbitrary: fc.constant('ask' as const) },
    { weight: 6, arbitrary: fc.constantFrom(...ENDS) },
    { weight: 1, arbitrary: fc.constantFrom('again' as const, 'unknown' as const) },
  ),
  which: fc.nat(5),
  window: fc.constantFrom('A01', 'A02'),
  clerk: fc.constantFrom('甲', '乙', undefined),
  reason: fc.constantFrom(...CANCEL_REASONS),
  agoMs: fc.constantFrom(0, 30 * HOUR_MS, 60 * HOUR_MS),
  sends: fc.boolean(),
})

interface Known {
  box: TestBox
  id: Uint8Array
  window: string
  clerk: string | null
  agoMs: number
  end?: End
  reason?: string
}

test('whatever happens, at every moment every prompt is in exactly one column', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { minLength: 5, maxLength: 40, size: 'max' }), async happenings => {
      const collector = await createTestCollector({ clock: createFakeClock(NOW_MS) })
      const boxes = [collector.box('box-1'), collector.box('box-2')] as const
      await collector.enrol(...boxes)
      const known: Known[] = []
      const sentUpTo = [0, 0]
      let agoMs = Number.POSITIVE_INFINITY
      for (const { agoMs: wishedMs, ...each } of happenings) {
        // The clocks of the boxes are right, so they do not go back.
        agoMs = Math.min(agoMs, wishedMs)
        const box = boxes[each.box]!
        const own = known.filter(prompt => prompt.box === box)
        const prompt = own[each.which % (own.length || 1)]
        if (each.act === 'ask') {
          const { window, clerk } = each
          const id = ask(box, { window, agoMs, ...(clerk ? { clerk } : {}) })
          known.push({ box, id, window, clerk: clerk ?? null, agoMs })
        } else if (each.act === 'again' && prompt) box.prompt(undefined, prompt.id)
        else if (each.act === 'unknown') await end(box, new Uint8Array(randomBytes(16)), 'declined')
        else if (each.act !== 'again' && prompt) {
          await end(box, prompt.id, each.act, each.reason)
          // The first end is the end.
          if (!prompt.end) Object.assign(prompt, { end: each.act, reason: each.reason })
        }
        if (!each.sends || box.length() === sentUpTo[each.box]) continue
        await collector.send(box.name, box.batch(sentUpTo[each.box]! + 1))
        sentUpTo[each.box] = box.length()
        for (const row of await counts(collector)) expect(row.prompts).toBe(sum(row))
      }
      for (const [b, box] of boxes.entries()) {
        if (box.length() > sentUpTo[b]!) await collector.send(box.name, box.batch(sentUpTo[b]! + 1))
      }
      const rows = await counts(collector)
      expect(modelOf(rows)).toEqual(expected(known))
      await collector.close()
      await rebuildStore(collector.path, [collector.openingKey])
      const again = await createTestCollector({ path: collector.path, keys: collector })
      expect(await counts(again)).toEqual(rows)
      await again.close()
    }),
    { numRuns: 10 },
  )
})

/** One line for each count, to compare what the collector says with what happened. */
function modelOf(rows: PromptCountsView['counts']): string[] {
  return rows
    .flatMap(row => [
      ...(['prompts', 'open', ...ENDS] as const).map(name => `${row.day} ${row.window} ${name} ${row[name]}`),
      ...row.cancels.map(({ clerk, reason, prompts }) => `${row.day} ${row.window} by ${clerk} ${reason} ${prompts}`),
    ])
    .filter(line => !line.endsWith(' 0'))
    .sort()
}

function expected(known: readonly Known[]): string[] {
  const lines = known.flatMap(({ window, clerk, agoMs, end: how, reason }) => {
    const place = `${formatDay(chinaDay(NOW_MS - agoMs))} ${window}`
    const cancel = how === 'cancelled' ? [`${place} by ${clerk} ${reason}`] : []
    return [`${place} prompts`, `${place} ${how ?? 'open'}`, ...cancel]
  })
  return [...Map.groupBy(lines, line => line)].map(([line, same]) => `${line} ${same.length}`).sort()
}
