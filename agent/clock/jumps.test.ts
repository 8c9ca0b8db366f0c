import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { readPromptOrder } from '#agent/rating/prompt-requests.ts'
import { signPromptRequest } from '#protocol/prompt-request.ts'
import { createTestDesk } from '#test/helpers/desk.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { createCollectorTime } from './collector-time.ts'

const YEAR_MS = 365 * 86_400_000
const JUMPS_MS = [-56 * YEAR_MS, 40 * YEAR_MS, -YEAR_MS]

test('a prompt ends when its time is over, not before and not later, however the wall clock jumps', async () => {
  const one = await createTestDesk()
  const ready = one.changed()
  one.desk.window('A01').padChanged('ready')
  await ready
  const asked = await one.desk.prompt({ origin: 'panel' })
  if (!asked.ok) throw new Error(asked.error.detail)
  for (const ms of JUMPS_MS) {
    one.clock.jumpWall(ms)
    one.clock.advance(19_999)
    expect(one.kinds()).not.toContain('outcome')
  }
  const ended = one.changed()
  one.clock.advance(3)
  await ended
  expect(one.kinds().at(-1)).toBe('outcome')
})

test('a business system’s request is as old as the collector’s time says, whatever the wall clock says', () => {
  const collector = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const clock = createFakeClock()
  const collectorTime = createCollectorTime(clock)
  const trueMs = () => clock.monoMs() + 1_790_000_000_000
  const request = () =>
    signPromptRequest(
      {
        version: 1,
        box: 'box-1',
        prompt: new Uint8Array(16),
        window: 'A01',
        for: { case: '370000-1', service: 1 },
        at: trueMs(),
      },
      collector.privateKey,
    )
  const read = (bytes: Uint8Array) =>
    readPromptOrder(bytes, {
      box: 'box-1',
      collectorKey: collector.publicKey,
      nowWallMs: collectorTime.latestWallMs(),
    })
  collectorTime.learned({ atWallMs: trueMs(), sinceMonoMs: clock.monoMs() })
  for (const ms of JUMPS_MS) {
    const bytes = request()
    clock.jumpWall(ms)
    clock.advance(59_000)
    expect(read(bytes)).toMatchObject({ ok: true })
    clock.advance(2_000)
    expect(read(bytes)).toMatchObject({ ok: false, error: { code: 'prompt-too-old' } })
  }
})

test('a broker that keeps back the time and a request together does not make the request seem new', () => {
  const collector = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const clock = createFakeClock()
  const collectorTime = createCollectorTime(clock)
  const at = clock.wallMs()
  const prompt = new Uint8Array(16)
  const unsigned = { version: 1, box: 'box-1', prompt, window: 'A01', for: { case: '1', service: 1 }, at } as const
  const word = { atWallMs: at, sinceMonoMs: clock.monoMs() }
  clock.advance(3_600_000)
  collectorTime.learned(word)
  expect(
    readPromptOrder(signPromptRequest(unsigned, collector.privateKey), {
      box: 'box-1',
      collectorKey: collector.publicKey,
      nowWallMs: collectorTime.latestWallMs(),
    }),
  ).toMatchObject({ ok: false, error: { code: 'prompt-too-old' } })
})
