import { type ByteList, isSame } from '#agent/pad/bytes.ts'
import { createDecoder } from '#agent/pad/decode.ts'
import { decodeCommand, encodeEvent } from '#agent/pad/encode.ts'
import type { EventRule } from '#agent/pad/event-rule.ts'
import type { Frame } from '#agent/pad/frame.ts'
import { createFramer } from '#agent/pad/framer.ts'
import { fieldsOf, type Match } from '#agent/pad/match.ts'
import { matchWhole } from '#agent/pad/matcher.ts'
import { addressOf, type Command, frameOf, type Profile } from '#agent/pad/profile.ts'
import { GRADE_LABELS, type Grade } from '#protocol/grades.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import type { Text } from '#runtime/language.ts'
import { createKeyboard, type KeyFrame, rawOf } from './keyboard.ts'
import {
  ANSWERED,
  again,
  DARK,
  describeCommand,
  ECHO,
  NO_COMMAND,
  NOT_UNDERSTOOD,
  OTHER_PAD,
  RETURNED,
  type Shown,
  shownAfter,
} from './shown.ts'

export type { Shown }

/** Bytes on the line with what they mean; `in` comes from the box, `out` goes to it. */
export interface DeviceFrame {
  direction: 'in' | 'out'
  bytes: ByteList
  meaning: Text
  /** The command of the profile that the frame is. */
  command?: { name: string; meaning: Text }
  /** Part of an asking that found nothing new: nobody wants to read it many times a second. */
  isRoutine?: boolean
}

export interface DeviceModel {
  readonly keys: readonly { grade: Grade; label: Text }[]
  shown(): Shown
  held(): Grade | null
  /** Power comes. Gives what a pad that reports its start sends then. */
  start(): DeviceFrame[]
  /** A finger touches a key and leaves it. Gives the frames to send now. */
  press(grade: Grade, monoMs: number): Result<DeviceFrame[], KeyFault>
  /** A finger stays on a key; what this pad repeats becomes due. */
  hold(grade: Grade, monoMs: number): Result<DeviceFrame[], KeyFault>
  /** The finger leaves the key that is held. */
  release(): DeviceFrame[]
  /** Bytes from the box. What the pad sends by itself comes back among the frames, as `out`. */
  receive(bytes: Uint8Array): DeviceFrame[]
  /** The line was still for the profile's silence: a half frame is dropped. */
  silence(): DeviceFrame[]
  /** When `due` has something to send again; null when nothing waits. */
  dueMonoMs(): number | null
  due(monoMs: number): DeviceFrame[]
  /** Power gone and back: nothing shown, nothing held, nothing waiting for an answer. */
  restart(): void
}

export interface KeyFault {
  code: 'key-not-on-this-pad'
  detail: string
}

interface Unanswered {
  frame: DeviceFrame
  answer: ByteList
  timesLeft: number
  dueMonoMs: number
}

/** How long a tap lasts, for pads that tell when the finger leaves. */
export const TAP_MS = 120

/** The device side of a profile: what a pad of this model does with keys and with the bytes it hears. Pure. */
export function createDeviceModel(
  profile: Profile,
  options: { address?: number; lineEchoes?: boolean } = {},
): DeviceModel {
  const address = addressOf(profile, options.address)
  const repeats = profile.behaviour.unansweredRepeats
  const heldMs = profile.behaviour.heldRepeatsMs
  const keyboard = createKeyboard(profile, address)
  const decoder = createDecoder(profile, address)
  let heard: DeviceFrame[] = []
  let shown = DARK
  let unanswered: Unanswered | null = null
  let held: { grade: Grade; dueMonoMs: number } | null = null
  /** When the finger of a tap leaves. */
  let leavesMonoMs: number | null = null
  let lastAsked: ByteList = []
  const framer = createFramer(
    profile.frames.filter(({ direction }) => direction === 'to-pad'),
    {
      garbage: bytes => void heard.push({ direction: 'in', bytes, meaning: NOT_UNDERSTOOD }),
      frame: frameHeard,
    },
    profile.behaviour.filler,
  )

  function touch(grade: Grade, monoMs: number): Result<DeviceFrame[], KeyFault> {
    if (!keyboard.grades.includes(grade)) {
      return fail('key-not-on-this-pad', `${profile.id} has no key for this grade`)
    }
    const pressed = keyboard.down(grade)
    if (!pressed) return ok([])
    const frame = outgoing(pressed)
    const answer = answerTo(pressed)
    unanswered =
      answer && repeats ? { frame, answer, timesLeft: repeats.times, dueMonoMs: monoMs + repeats.everyMs } : null
    return ok([frame])
  }

  function answerTo({ rule, bytes }: KeyFrame): ByteList | undefined {
    const frame = frameOf(profile, rule.frame)
    const match = rule.answer ? matchWhole(frame, bytes) : null
    return match ? decoder.decode(frame, match).answer : undefined
  }

  function leave(): DeviceFrame[] {
    leavesMonoMs = null
    const released = keyboard.up()
    return released ? [outgoing(released)] : []
  }

  function frameHeard(bytes: Uint8Array, frame: Frame, match: Match) {
    const say = (meaning: Text) => void heard.push({ direction: 'in', bytes, meaning })
    const fields = fieldsOf(match)
    const addressField = match.layout.fields.find(({ is }) => is === 'address')
    if (addressField && !isSame(fields[addressField.name]!, addressBytes(addressField.size))) return say(OTHER_PAD)
    if (unanswered && isSame(bytes, unanswered.answer)) {
      unanswered = null
      return say(ANSWERED)
    }
    const found = decodeCommand(profile, frame.name, fields)
    if (!found) return say(NO_COMMAND)
    shown = shownAfter(shown, found.command, found.values)
    const meaning = describeCommand(found.command, found.values)
    const own: DeviceFrame = { direction: 'in', bytes, meaning, command: { name: found.command.name, meaning } }
    const reply = replyTo(found.command, bytes)
    if (found.command.name !== profile.poll?.command) return void heard.push(own, ...reply)
    const isRoutine = reply.length > 0 && isSame(reply[0]!.bytes, lastAsked)
    lastAsked = reply[0]?.bytes ?? []
    heard.push(...[own, ...reply].map(one => ({ ...one, isRoutine })))
  }

  function addressBytes(size: number): number[] {
    return size === 1 ? [address!] : [address! >> 8, address! & 0xff]
  }

  /** What the pad answers: the command again, where its keys stand, or the first event the command expects. */
  function replyTo({ expects }: Command, bytes: Uint8Array): DeviceFrame[] {
    if (expects?.isEcho) return [{ direction: 'out', bytes, meaning: RETURNED }]
    const rules = profile.events.filter(({ name }) => expects?.events.includes(name))
    const keys = keyboard.answer(rules)
    if (keys) return [outgoing(keys)]
    const rule = rules.find(({ name }) => name === expects?.events[0])
    // A pad that says nothing while no key is down has only keys to say.
    return rule && rule.gives !== 'key' ? [outgoing(eventFrame(rule))] : []
  }

  function eventFrame(rule: EventRule): KeyFrame {
    return { rule, bytes: encodeEvent(profile, rule, rawOf(rule), address), meaning: rule.meaning }
  }

  function dueUnanswered(monoMs: number): DeviceFrame[] {
    if (!unanswered || !repeats || monoMs < unanswered.dueMonoMs) return []
    const { frame, timesLeft } = unanswered
    unanswered = timesLeft > 1 ? { ...unanswered, timesLeft: timesLeft - 1, dueMonoMs: monoMs + repeats.everyMs } : null
    return [{ ...frame, meaning: again(frame.meaning) }]
  }

  function dueHeld(monoMs: number): DeviceFrame[] {
    if (!held || heldMs === null || monoMs < held.dueMonoMs) return []
    held = { ...held, dueMonoMs: monoMs + heldMs }
    const pressed = touch(held.grade, monoMs)
    return pressed.ok ? pressed.value : []
  }

  function taken(): DeviceFrame[] {
    const all = heard
    heard = []
    return all
  }

  return {
    keys: keyboard.grades.map(grade => ({ grade, label: GRADE_LABELS[grade] })),
    shown: () => shown,
    held: () => held?.grade ?? null,
    start: () => profile.events.filter(({ gives }) => gives === 'ready').map(rule => outgoing(eventFrame(rule))),
    press(grade, monoMs) {
      const left = leave()
      const pressed = touch(grade, monoMs)
      if (!pressed.ok) return pressed
      if (keyboard.isTellingRelease) leavesMonoMs = monoMs + TAP_MS
      return ok([...left, ...pressed.value])
    },
    hold(grade, monoMs) {
      const left = leave()
      const pressed = touch(grade, monoMs)
      if (!pressed.ok) return pressed
      held = { grade, dueMonoMs: monoMs + (heldMs ?? 0) }
      return ok([...left, ...pressed.value])
    },
    release() {
      held = null
      return leave()
    },
    receive(bytes) {
      if (options.lineEchoes) heard.push({ direction: 'out', bytes: [...bytes], meaning: ECHO })
      framer.push(bytes)
      return taken()
    },
    silence() {
      framer.silence()
      return taken()
    },
    dueMonoMs() {
      const times = [unanswered?.dueMonoMs, heldMs === null ? undefined : held?.dueMonoMs, leavesMonoMs ?? undefined]
      const earliest = Math.min(...times.filter(time => time !== undefined))
      return Number.isFinite(earliest) ? earliest : null
    },
    due(monoMs) {
      const left = leavesMonoMs !== null && monoMs >= leavesMonoMs ? leave() : []
      // A held key is sent again anyway; its repeat replaces that of an unanswered one.
      return [...left, ...(held && heldMs !== null ? dueHeld(monoMs) : dueUnanswered(monoMs))]
    },
    restart() {
      shown = DARK
      unanswered = null
      held = null
      leavesMonoMs = null
      lastAsked = []
      keyboard.up()
      framer.silence()
      heard = []
    },
  }
}

function outgoing({ bytes, meaning }: KeyFrame): DeviceFrame {
  return { direction: 'out', bytes, meaning }
}
