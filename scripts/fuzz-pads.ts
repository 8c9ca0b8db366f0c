import { parseArgs } from 'node:util'
import { formatBytes } from '#agent/pad/bytes.ts'
import { createPadCodec, type PadCodec, type PadOutput } from '#agent/pad/codec.ts'
import { exampleFrames } from '#agent/pad/examples.ts'
import { frameBytesMax } from '#agent/pad/frame.ts'
import { loadProfile } from '#agent/pad/load-profile.ts'
import { addressOf, type Profile } from '#agent/pad/profile.ts'
import { allProfileFolders, profileFolder } from '#virtual-pad/profile-folder.ts'

/**
 * Sends mutated good frames to the codec of every profile and each of its variants: `npm run fuzz:pads -- --frames N
 * --seed S [--profile P]`. The seed decides everything, so that what failed can be seen again.
 */
interface Fuzzed {
  frames: number
  bytes: number
  /** Most bytes that were pending at any time. */
  pendingMax: number
  /** The first thing that went wrong, with what is needed to see it again; null where all was well. */
  trouble: string | null
}

/** Uniform whole numbers below a limit, the same for the same seed (xorshift32). */
function createDice(seed: number): (below: number) => number {
  let state = (Math.imul(seed, 0x9e37_79b1) ^ 0x5bd1_e995) >>> 0 || 1
  return below => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state % below
  }
}

/** A frame and what a line, a loose plug or a hostile device makes of it. */
function mutate(good: Uint8Array, others: readonly Uint8Array[], dice: (below: number) => number): Uint8Array {
  const at = dice(good.length)
  switch (dice(9)) {
    case 0:
      return good
    case 1:
      return good.with(at, good[at]! ^ (1 << dice(8)))
    case 2:
      return good.with(at, dice(256))
    case 3:
      return good.slice(0, at)
    case 4:
      return good.slice(at)
    case 5:
      return Uint8Array.of(...good.subarray(0, at), dice(256), ...good.subarray(at))
    case 6:
      return Uint8Array.of(...good.subarray(0, at), ...others[dice(others.length)]!)
    case 7:
      return Uint8Array.of(...good, ...Uint8Array.from({ length: dice(40) }, () => dice(256)))
    default:
      return Uint8Array.of(...good.subarray(0, at), ...new Uint8Array(dice(300)).fill(good[at]!), ...good.subarray(at))
  }
}

/**
 * Plays so many mutated frames to one codec: it must not throw, must give back every byte exactly once, must hold
 * no more than its longest frame, and must hear a good frame after each silence.
 */
export function fuzzProfile(
  profile: Profile,
  options: { frames: number; seed: number },
  createCodec: (profile: Profile) => PadCodec = createPadCodec,
): Fuzzed {
  const dice = createDice(options.seed)
  const examples = exampleFrames(profile, addressOf(profile))
  const goods = examples.map(({ bytes }) => bytes)
  const commands = Object.keys(profile.commands)
  const codec = createCodec(profile)
  const fuzzed: Fuzzed = { frames: 0, bytes: 0, pendingMax: 0, trouble: null }
  const longest = Math.max(0, ...profile.frames.map(frameBytesMax))
  let givenBack = 0
  /** What was sent may wait to come back as an echo. */
  let sentBytes = 0

  function hear(chunk: Uint8Array, isArmed: boolean) {
    fuzzed.bytes += chunk.length
    count(codec.receive(chunk, isArmed))
    const pending = codec.pendingBytes()
    fuzzed.pendingMax = Math.max(fuzzed.pendingMax, pending)
    if (pending > longest + sentBytes) throw new Error(`${pending} bytes are pending; the longest frame has ${longest}`)
    if (givenBack + pending !== fuzzed.bytes)
      throw new Error(`${fuzzed.bytes} bytes came, ${givenBack + pending} are known`)
  }

  function count(outputs: readonly PadOutput[]) {
    for (const { bytes } of outputs) givenBack += bytes.length
  }

  function beStill() {
    count(codec.silence())
    sentBytes = 0
    if (codec.pendingBytes() !== 0) throw new Error('bytes are pending after the silence')
    if (givenBack !== fuzzed.bytes) throw new Error(`${fuzzed.bytes} bytes came, ${givenBack} were given back`)
  }

  function listenAgain() {
    const example = examples[dice(examples.length)]!
    if (!example.isUnasked) return
    codec.missed()
    fuzzed.bytes += example.bytes.length
    const outputs = [...codec.receive(example.bytes, true), ...codec.silence()]
    count(outputs)
    if (!outputs.some(output => output.kind === 'frame' && output.rule === example.rule.name)) {
      throw new Error(`${example.rule.name} ${formatBytes(example.bytes)} is not heard any more`)
    }
  }

  if (goods.length === 0) return fuzzed
  while (fuzzed.frames < options.frames) {
    const chunk = mutate(goods[dice(goods.length)]!, goods, dice)
    try {
      if (commands.length > 0 && dice(16) === 0) {
        const step = codec.command('ask')[0]
        if (step) codec.sent(step.bytes, step)
        sentBytes += step?.bytes.length ?? 0
      }
      const cut = dice(chunk.length + 1)
      hear(chunk.subarray(0, cut), dice(4) > 0)
      hear(chunk.subarray(cut), dice(4) > 0)
      fuzzed.frames += 1
      if (dice(8) === 0) {
        beStill()
        listenAgain()
      }
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error)
      fuzzed.trouble = `${profile.id}${profile.variant ? ` (${profile.variant})` : ''}, seed ${options.seed}, frame ${fuzzed.frames}: ${formatBytes(chunk)}: ${what}`
      return fuzzed
    }
  }
  return fuzzed
}

/** A profile and each of its variants; those that speak in bytes only. */
export function speakingIn(folder: string): Profile[] {
  const loaded = loadProfile(folder)
  if (!loaded.ok) throw new Error(loaded.error.detail)
  if (loaded.value.board || loaded.value.events.length === 0) return []
  const variants = loaded.value.variants.map(({ name }) => {
    const variant = loadProfile(folder, { variant: name })
    if (!variant.ok) throw new Error(variant.error.detail)
    return variant.value
  })
  return [loaded.value, ...variants]
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      frames: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '1' },
      profile: { type: 'string' },
    },
  })
  const [frames, seed] = [Number(values.frames), Number(values.seed)]
  const folders = values.profile === undefined ? allProfileFolders() : [profileFolder(values.profile)]
  for (const profile of folders.flatMap(speakingIn)) {
    const startMs = performance.now()
    const fuzzed = fuzzProfile(profile, { frames, seed })
    const perFrameUs = ((performance.now() - startMs) * 1000) / Math.max(1, fuzzed.frames)
    const name = profile.variant ? `${profile.id} (${profile.variant})` : profile.id
    process.stdout.write(
      `${fuzzed.trouble ? '✗' : '✓'} ${name}: ${fuzzed.frames} frames, ${fuzzed.bytes} bytes, at most ${fuzzed.pendingMax} pending, ${perFrameUs.toFixed(1)} µs each\n`,
    )
    if (fuzzed.trouble) {
      process.stdout.write(`  ${fuzzed.trouble}\n`)
      process.exitCode = 1
    }
  }
  const peakMiB = process.resourceUsage().maxRSS / 1024
  process.stdout.write(`at most ${peakMiB.toFixed(0)} MiB of memory\n`)
}
