import { createPadCodec } from '#agent/pad/codec.ts'
import { exampleFrames } from '#agent/pad/examples.ts'
import { loadProfile } from '#agent/pad/load-profile.ts'
import { addressOf } from '#agent/pad/profile.ts'
import type { SiteOverrides } from '#agent/pad/site-schema.ts'
import { profileFolder } from '#virtual-pad/profile-folder.ts'
import {
  createDwinParser,
  createFourKeyParser,
  createModbusParser,
  createPj06Parser,
  createTjcParser,
  type HandParser,
} from './hand-parsers.ts'
import type { Measurement, Subject } from './measurement.ts'
import { quantile } from './statistics.ts'

const against = { zh: '为该型号手写的解析器，输出相同', en: 'a parser written by hand for that pad, same outputs' }

/**
 * From the bytes of a frame to its event, and to its answer where the pad wants one, in the pad that compares worst
 * with a parser written for it alone. One frame is too short to be timed: runs of 64 are, a chunk for each frame.
 */
export const decode: Measurement = {
  name: 'decode',
  rows: [
    {
      name: 'decode-p50',
      title: { zh: '每帧解码，最差型号，p50', en: 'decoding a frame, worst pad, p50' },
      against,
      unit: 'µs',
      better: 'lower',
      goal: 2,
    },
    {
      name: 'decode-p99',
      title: { zh: '每帧解码，最差型号，p99', en: 'decoding a frame, worst pad, p99' },
      against,
      unit: 'µs',
      better: 'lower',
      goal: 2,
    },
  ],
  prepare: () => Promise.resolve(prepareDecode()),
}

const FRAMES = 64
const RUNS = 1000

/** Both parsers of one pad, each with the same frames; what a call gives is how many events were heard. */
interface Contest {
  name: string
  ours(): number
  theirs(): number
}

interface Timed {
  ours: readonly number[]
  theirs: readonly number[]
}

function prepareDecode(): Subject {
  const contests = [
    contestOf('generic-pj06', createPj06Parser()),
    contestOf('generic-rs485-four-key', createFourKeyParser(1)),
    contestOf('dwin-dgus2', createDwinParser(), { variant: 'crc' }),
    contestOf('tjc-nextion', createTjcParser()),
    contestOf('modbus-rtu-5-input', createModbusParser(1)),
  ]
  for (const contest of contests) time(contest)
  // Which one is the worst is settled before the rounds, so that all rounds speak of the same pad.
  const timed = contests.map(contest => ({ contest, ...time(contest) }))
  const worst = [0.5, 0.99].map(q => {
    const ratioOf = ({ ours, theirs }: Timed) => quantile(ours, q) / quantile(theirs, q)
    return { q, contest: timed.reduce((a, b) => (ratioOf(b) > ratioOf(a) ? b : a)).contest }
  })
  let theirs: number[] = []
  return {
    ours() {
      // Run by run in turn with the reference, closer together than rounds are.
      const rounds = worst.map(({ q, contest }) => ({ q, ...time(contest) }))
      theirs = rounds.map(round => quantile(round.theirs, round.q))
      return Promise.resolve(rounds.map(round => quantile(round.ours, round.q)))
    },
    reference: () => Promise.resolve(theirs),
    close: () => Promise.resolve(),
  }
}

function contestOf(name: string, parser: HandParser, overrides: SiteOverrides = {}): Contest {
  const loaded = loadProfile(profileFolder(name), overrides)
  if (!loaded.ok) throw new Error(loaded.error.detail)
  const profile = loaded.value
  const codec = createPadCodec(profile)
  const poll = profile.poll ? codec.single(profile.poll.command) : null
  const gives = poll ? 'keys' : 'key'
  const keys = exampleFrames(profile, addressOf(profile)).filter(({ rule }) => rule.gives === gives)
  const frames = Array.from({ length: FRAMES }, (_, i) => keys[i % keys.length]!.bytes)
  return {
    name,
    ours() {
      let heard = 0
      for (const frame of frames) {
        if (poll) codec.sent(poll.bytes, poll)
        for (const output of codec.receive(frame, true)) if (output.kind === 'frame') heard += 1
      }
      return heard
    },
    theirs() {
      let heard = 0
      for (const frame of frames) {
        if (poll) parser.sent(poll.bytes)
        for (const { kind } of parser.receive(frame)) if (kind === 'frame') heard += 1
      }
      return heard
    },
  }
}

/** µs for each frame, of every run. */
function time(contest: Contest): Timed {
  const ours: number[] = []
  const theirs: number[] = []
  for (let i = 0; i < RUNS; i++) {
    ours.push(timeRun(contest, contest.ours))
    theirs.push(timeRun(contest, contest.theirs))
  }
  return { ours, theirs }
}

function timeRun({ name }: Contest, run: () => number): number {
  const startedMs = performance.now()
  const heard = run()
  const tookMs = performance.now() - startedMs
  if (heard !== FRAMES) throw new Error(`${name}: ${heard} of ${FRAMES} frames were heard`)
  return (tookMs * 1000) / FRAMES
}
