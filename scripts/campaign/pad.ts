import { createPadCodec } from '#agent/pad/codec.ts'
import type { Profile } from '#agent/pad/profile.ts'
import type { Grade } from '#protocol/grades.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import { createDeviceModel } from '#virtual-pad/device.ts'
import { createGarbler } from '#virtual-pad/garbler.ts'
import { openPtyLine, type PtyLine } from '#virtual-pad/pty.ts'
import { createPadSimulation } from '#virtual-pad/simulation.ts'

/** What a pad was told, by the bytes on its line before any noise. */
export type Heard = 'initialise' | 'ask' | 'thank' | 'idle'

/** A virtual pad on a real pseudo-terminal, watched from outside: which bytes it was told, and which it sent. */
export interface CampaignPad {
  readonly profile: Profile
  readonly keys: readonly Grade[]
  /** Presses a key; what leaves the pad is told to `onSent`, as often as the pad repeats itself. */
  press(grade: Grade): void
  isPlugged(): boolean
  unplug(): void
  /** `isRenamed`: the kernel gives another name than before; the stable link follows. */
  plug(isRenamed: boolean): void
  setGarbled(isGarbled: boolean): void
  close(): void
}

export function createCampaignPad(deps: {
  profile: Profile
  link: string
  seed: number
  onHeard(heard: Heard): void
  /** Keys that left on the wire; `isSure` when no noise touched them. */
  onSent(grades: readonly Grade[], isSure: boolean): void
}): CampaignPad {
  const { profile, link } = deps
  const meanings = meaningsOf(profile)
  const device = createDeviceModel(profile)
  let spy = createDeviceModel(profile)
  let isGarbled = false
  const garble = createGarbler(deps.seed)
  /** A name of the kernel that is kept taken, so that the next pad gets another. */
  let taken: PtyLine | undefined

  const simulation = createPadSimulation({
    profile,
    device,
    clock: createSystemClock(),
    devicePath: link,
    garble,
    onChange() {},
    openLine(onBytes) {
      spy = createDeviceModel(profile)
      const opened = openPtyLine({
        link,
        onBytes(bytes) {
          listen(bytes)
          onBytes(bytes)
        },
      })
      if (!opened.ok) return opened
      const { write, ...line } = opened.value
      return {
        ok: true,
        value: {
          ...line,
          write(bytes) {
            deps.onSent(keysIn(profile, bytes), !isGarbled)
            write(bytes)
          },
        },
      }
    },
  })

  function listen(bytes: Uint8Array) {
    for (const { command } of spy.receive(bytes)) {
      const heard = command && meanings.get(command.name)
      if (heard) deps.onHeard(heard)
    }
  }

  function plug() {
    const plugged = simulation.setPlugged(true)
    if (!plugged.ok) throw new Error(plugged.error.detail)
  }

  function freeName() {
    taken?.unplug()
    taken = undefined
  }

  plug()
  return {
    profile,
    keys: device.keys.map(({ grade }) => grade),
    press(grade) {
      simulation.press(grade)
    },
    isPlugged: () => simulation.state().plugged,
    unplug() {
      simulation.setPlugged(false)
    },
    plug(isRenamed) {
      freeName()
      if (isRenamed) {
        const opened = openPtyLine({ onBytes() {} })
        if (opened.ok) taken = opened.value
      }
      plug()
    },
    setGarbled(next) {
      isGarbled = next
      simulation.setGarbled(next)
    },
    close() {
      freeName()
      simulation.close()
    },
  }
}

/** The keys that a box can read in these bytes; on a bad line it may be none, or another. */
function keysIn(profile: Profile, bytes: Uint8Array): Grade[] {
  const outputs = createPadCodec(profile).receive(bytes, true)
  return outputs.flatMap(output => (output.kind === 'frame' && output.event.kind === 'key' ? [output.event.grade] : []))
}

/**
 * Which command of the profile stands for what. Where one stands for two, as the welcome that both thanks and
 * rests, it is heard as the thanks: whoever listens knows whether a thank-you can be meant.
 */
function meaningsOf(profile: Profile): Map<string, Heard> {
  const meanings = new Map<string, Heard>()
  for (const intent of ['idle', 'thank', 'ask'] as const) {
    for (const { command } of profile.intents[intent]) meanings.set(command, intent)
  }
  const [first] = profile.intents.initialise
  if (first && !meanings.has(first.command)) meanings.set(first.command, 'initialise')
  return meanings
}
