import { expect, test } from 'vitest'
import { parseBytes } from '#agent/pad/bytes.ts'
import { GRADES } from '#protocol/grades.ts'
import { POLLED_KINDS, tryPolled } from './fixtures/polled-pad.ts'
import { createRandom, PAD_KINDS, pressNoise } from './fixtures/random-pad.ts'
import { QUIET, tryLearning } from './fixtures/try-learning.ts'
import type { Heard, Press } from './heard.ts'
import { learn } from './learn.ts'

const NOISY = { noise: 0.15, split: 0.3 }
const OPTIONS = {
  id: 'acme-kp5',
  title: { zh: '五键', en: 'Five keys' },
  grades: GRADES,
  line: { baud: 9600, parity: 'none' },
} as const

/** Every face three times and once more, each press one chunk. */
function pressed(frameOf: (key: number) => string, more: Press[] = [], address: number | null = null): Heard {
  const keys = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 2, 0, 4, 1, 3]
  return { presses: [...keys.map((key, i) => press(key, frameOf(key), i, address)), ...more], idle: [] }
}

const press = (key: number, frame: string, i: number, address: number | null = null): Press => ({
  key,
  address,
  chunks: [{ atMs: i * 2000, bytes: Uint8Array.from(parseBytes(frame)) }],
})

test.each(PAD_KINDS)(
  'a pad it has never seen: %s; what is written passes lint and reads every press as its key or as none',
  kind => {
    const ends = [1, 2, 3, 4].map(seed => tryLearning(kind, seed * 97, seed % 2 ? QUIET : NOISY).end)
    expect(ends.filter(end => end === 'misread' || end === 'not-proven')).toEqual([])
    // No list of checksums holds all; the keys are read right without.
    const isEnough = (end: string) => end === 'understood' || (kind === 'rarer CRC' && end === 'checksum-not-seen')
    expect(ends.filter(isEnough).length).toBeGreaterThanOrEqual(3)
  },
)

test('random noise is refused, whatever its kind', () => {
  for (let seed = 0; seed < 60; seed++) {
    expect(learn(pressNoise(createRandom(seed)), OPTIONS), `seed ${seed}`).toMatchObject({ ok: false })
  }
})

test.each(POLLED_KINDS)('a pad that only speaks when it is asked: %s', async kind => {
  const ends = await Promise.all([1, 2, 3].map(async seed => await tryPolled(kind, seed)))
  const wanted = kind === 'polled, query unknown' ? { end: 'refused', code: 'query-unknown' } : { end: 'understood' }
  expect(ends).toEqual([wanted, wanted, wanted])
})

test('a frame of one length is learnt with its checksum, and what cannot be told is said', () => {
  const sum = (key: number) => (0x05 + 0x11 + key).toString(16).toUpperCase()
  const learnt = learn(
    pressed(key => `FF 68 03 03 68 05 11 0${key} ${sum(key)} 16`),
    OPTIONS,
  )
  if (!learnt.ok) throw new Error(learnt.error.detail)
  expect(learnt.value.keys.map(({ raw, grade }) => `${raw} ${grade}`)).toEqual(
    GRADES.map((grade, i) => `0${i} ${grade}`),
  )
  expect(learnt.value.direction.en).toContain('rise')
  expect(learnt.value.profile.evidence).toBe('learnt')
  expect(learnt.value.facts.map(({ en }) => en)).toContainEqual(expect.stringMatching(/^checksum sum8, from byte 6/))
  expect(learnt.value.doubts.map(({ en }) => en)).toContainEqual(expect.stringMatching(/may be a length/))
  expect(learnt.value.doubts.map(({ en }) => en)).toContainEqual(
    expect.stringMatching(/set the pad's address to 2 and press again/),
  )
})

test('a press with another address shows where the address stands', () => {
  const frame = (address: number, key: number) => {
    const own = [address, 0x11, key]
    const sum = own.reduce((a, b) => a + b, 0)
    return [0xff, 0x68, ...own, sum].map(byte => byte.toString(16).padStart(2, '0')).join(' ')
  }
  const learnt = learn(
    pressed(key => frame(5, key + 1), [press(0, frame(9, 1), 20, 9)], 5),
    OPTIONS,
  )
  if (!learnt.ok) throw new Error(learnt.error.detail)
  expect(learnt.value.profile.address).toMatchObject({ default: 5 })
  expect(learnt.value.pressesMissed).toEqual([])
})

test('a longer frame that comes with every press is no noise, and is said not to be read', () => {
  const { presses } = pressed(key => `FF 68 0${key + 1} 16`)
  const twice = presses.map(one => ({
    ...one,
    chunks: [
      ...one.chunks,
      { atMs: one.chunks[0]!.atMs + 100, bytes: Uint8Array.from(parseBytes(`FF 99 01 02 03 04 0${one.key} 55`)) },
    ],
  }))
  const learnt = learn({ presses: twice, idle: [] }, OPTIONS)
  if (!learnt.ok) throw new Error(learnt.error.detail)
  expect(learnt.value.pressesMissed).toEqual([])
  expect(learnt.value.doubts.map(({ en }) => en)).toContainEqual(expect.stringMatching(/^presses bring 5 more frames/))
})

test('noise at presses of the first address is not taken for a frame because there is a second', () => {
  const frame = (address: number, key: number) => `FF 68 0${address} 0${key} 16`
  const all = pressed(key => frame(5, key + 1), [press(0, frame(9, 1), 20, 9)], 5)
  const noisy = all.presses.map((one, i) =>
    i % 3 === 1 && i < 15
      ? {
          ...one,
          chunks: [{ atMs: i * 2000, bytes: Uint8Array.from(parseBytes(`3${i % 10} ${frame(5, one.key + 1)}`)) }],
        }
      : one,
  )
  const learnt = learn({ ...all, presses: noisy }, OPTIONS)
  if (!learnt.ok) throw new Error(learnt.error.detail)
  expect(learnt.value.profile.address).toMatchObject({ default: 5 })
  expect(learnt.value.pressesMissed).toEqual([])
})

test('a wrong key in the second round refutes what the first has taught', () => {
  const heard = pressed(key => `AA 0${key + 1} 55`)
  const swapped = heard.presses.map((one, i) => (i === 15 ? press(2, 'AA 04 55', 15) : one))
  expect(learn({ presses: swapped, idle: [] }, OPTIONS)).toMatchObject({
    ok: false,
    error: { code: 'press-contradicts', keys: [2] },
  })
})

test('a key that was hardly heard is asked for by its number', () => {
  const { presses } = pressed(key => `AA 0${key + 1} 55`)
  const deaf = presses.map(one => (one.key === 1 ? { ...one, chunks: [] } : one))
  const learnt = learn({ presses: deaf, idle: [] }, OPTIONS)
  expect(learnt).toMatchObject({
    ok: false,
    error: { code: 'key-not-heard', detail: 'key 2 was heard too seldom: press key 2 once more' },
  })
})

test('keys that all send the same are not told apart by guessing', () => {
  expect(
    learn(
      pressed(() => 'AA 01 55'),
      OPTIONS,
    ),
  ).toMatchObject({ ok: false, error: { code: 'keys-alike' } })
})

test('a press that always comes three times is said to wait for an answer, perhaps', () => {
  const { presses } = pressed(key => `AA 0${key + 1} 55`)
  const thrice = presses.map(one => ({
    ...one,
    chunks: [0, 300, 600].map(laterMs => ({ ...one.chunks[0]!, atMs: one.chunks[0]!.atMs + laterMs })),
  }))
  const learnt = learn({ presses: thrice, idle: [] }, OPTIONS)
  if (!learnt.ok) throw new Error(learnt.error.detail)
  expect(learnt.value.profile.behaviour.unansweredRepeats).toEqual({ everyMs: 300, times: 2 })
  expect(learnt.value.doubts.map(({ en }) => en)).toContainEqual(expect.stringMatching(/waiting for an answer/))
})

test('what rates while nobody presses is no pad that was understood', () => {
  const heard = pressed(key => `AA 0${key + 1} 55`)
  const idle = [{ atMs: 0, bytes: Uint8Array.from(parseBytes('AA 03 55')) }]
  expect(learn({ ...heard, idle }, OPTIONS)).toMatchObject({ ok: false, error: { code: 'key-while-idle' } })
})
