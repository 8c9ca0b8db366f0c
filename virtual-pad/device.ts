import { type ByteList, formatBytes } from '#agent/pad/bytes.ts'
import { decodeFrame } from '#agent/pad/decode.ts'
import { decodeCommand, encodeKey, keyOfGrade } from '#agent/pad/encode.ts'
import { createFramer, type FramerOutput } from '#agent/pad/framer.ts'
import { type FieldValues, matchFrame } from '#agent/pad/layout.ts'
import { addressOf, type Command, type EventRule, type Profile } from '#agent/pad/profile.ts'
import type { ParameterValues } from '#agent/pad/template.ts'
import { GRADE_LABELS, GRADES, type Grade } from '#protocol/grades.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import type { Text } from '#runtime/language.ts'

/** Bytes on the line with what they mean; `in` comes from the box, `out` goes to it. */
export interface DeviceFrame {
  direction: 'in' | 'out'
  bytes: ByteList
  meaning: Text
  /** The command of the profile that the frame is. */
  command?: { name: string; meaning: Text }
}

/** What a person in front of the pad sees and hears. */
export interface Shown {
  lamp: string
  text: Text
  sound: string
}

export interface DeviceModel {
  readonly keys: readonly { grade: Grade; label: Text }[]
  shown(): Shown
  held(): Grade | null
  /** A finger touches a key and leaves it. Gives the frames to send now. */
  press(grade: Grade, monoMs: number): Result<DeviceFrame[], KeyFault>
  /** A finger stays on a key; what this pad repeats becomes due. */
  hold(grade: Grade, monoMs: number): Result<DeviceFrame[], KeyFault>
  release(): void
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

const DARK: Shown = { lamp: 'off', text: { zh: '', en: '' }, sound: 'silent' }

/** The device side of a profile: what a pad of this model does with keys and with the bytes it hears. Pure. */
export function createDeviceModel(
  profile: Profile,
  options: { address?: number; lineEchoes?: boolean } = {},
): DeviceModel {
  const address = addressOf(profile, options.address)
  const repeats = profile.behaviour.unansweredRepeats
  const heldMs = profile.behaviour.heldRepeatsMs
  const framer = createFramer(profile.frames.filter(({ direction }) => direction === 'to-pad'))
  let shown = DARK
  let unanswered: Unanswered | null = null
  let held: { grade: Grade; dueMonoMs: number } | null = null

  function press(grade: Grade, monoMs: number): Result<DeviceFrame[], KeyFault> {
    const key = keyOfGrade(profile, grade)
    if (!key) return fail('key-not-on-this-pad', `${profile.id} has no key for this grade`)
    const frame = keyFrame(profile, key, grade, address)
    const answer = answerTo(profile, key.event, frame.bytes, address)
    unanswered =
      answer && repeats ? { frame, answer, timesLeft: repeats.times, dueMonoMs: monoMs + repeats.everyMs } : null
    return ok([frame])
  }

  function frameIn(output: FramerOutput): DeviceFrame {
    const { bytes } = output
    if (output.kind === 'garbage') return { direction: 'in', bytes, meaning: NOT_UNDERSTOOD }
    if (!isOurs(profile, output, address)) return { direction: 'in', bytes, meaning: OTHER_PAD }
    if (unanswered && formatBytes(bytes) === formatBytes(unanswered.answer)) {
      unanswered = null
      return { direction: 'in', bytes, meaning: ANSWERED }
    }
    const found = decodeCommand(profile, output.frame.name, output.fields)
    if (!found) return { direction: 'in', bytes, meaning: NO_COMMAND }
    shown = shownAfter(shown, found.command, found.values)
    const meaning = describeCommand(found.command, found.values)
    return { direction: 'in', bytes, meaning, command: { name: found.command.name, meaning } }
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
    const pressed = press(held.grade, monoMs)
    return pressed.ok ? pressed.value : []
  }

  return {
    keys: GRADES.filter(grade => keyOfGrade(profile, grade)).map(grade => ({ grade, label: GRADE_LABELS[grade] })),
    shown: () => shown,
    held: () => held?.grade ?? null,
    press,
    hold(grade, monoMs) {
      const pressed = press(grade, monoMs)
      if (pressed.ok) held = { grade, dueMonoMs: monoMs + (heldMs ?? 0) }
      return pressed
    },
    release() {
      held = null
    },
    receive(bytes) {
      const echo: DeviceFrame[] = options.lineEchoes ? [{ direction: 'out', bytes: [...bytes], meaning: ECHO }] : []
      return [...echo, ...framer.push(bytes).map(frameIn)]
    },
    silence: () => framer.silence().map(frameIn),
    dueMonoMs() {
      const times = [unanswered?.dueMonoMs, heldMs === null ? undefined : held?.dueMonoMs]
      const earliest = Math.min(...times.filter(time => time !== undefined))
      return Number.isFinite(earliest) ? earliest : null
    },
    // A held key is sent again anyway; its repeat replaces that of an unanswered one.
    due: monoMs => (held && heldMs !== null ? dueHeld(monoMs) : dueUnanswered(monoMs)),
    restart() {
      shown = DARK
      unanswered = null
      held = null
      framer.silence()
    },
  }
}

const NOT_UNDERSTOOD: Text = { zh: '无法识别', en: 'not understood' }
const NO_COMMAND: Text = { zh: '帧完整，但没有这条命令', en: 'a whole frame, but no command of this pad' }
const OTHER_PAD: Text = { zh: '发给其他地址的评价器', en: 'for a pad with another address' }
const ANSWERED: Text = { zh: '按键的应答', en: 'answer to the key' }
const ECHO: Text = { zh: '线路回显', en: 'echo of the line' }
const again = (text: Text): Text => ({ zh: `${text.zh}（未应答，重发）`, en: `${text.en} (unanswered, again)` })

function keyFrame(
  profile: Profile,
  key: { event: EventRule; raw: ByteList },
  grade: Grade,
  address: number | null,
): DeviceFrame {
  const label = GRADE_LABELS[grade]
  const meaning = { zh: `按键：${label.zh}`, en: `key: ${label.en}` }
  return { direction: 'out', bytes: encodeKey(profile, key.event, key.raw, address), meaning }
}

function answerTo(profile: Profile, event: EventRule, bytes: ByteList, address: number | null): ByteList | undefined {
  const frame = profile.frames.find(({ name }) => name === event.frame)!
  const match = matchFrame(frame, bytes)
  return match.kind === 'frame' ? decodeFrame(profile, frame, match.fields, address).answer : undefined
}

function isOurs(profile: Profile, output: { frame: { name: string }; fields: FieldValues }, address: number | null) {
  const frame = profile.frames.find(({ name }) => name === output.frame.name)!
  const field = frame.kind === 'fields' ? frame.layout.find(({ is }) => is === 'address') : undefined
  return field === undefined || output.fields[field.name]![0] === address
}

function describeCommand(command: Command, values: ParameterValues): Text {
  const list = Object.entries(values).map(([name, value]) => ({ meaning: command.parameters[name]!.meaning, value }))
  if (list.length === 0) return command.meaning
  return {
    zh: `${command.meaning.zh}（${list.map(({ meaning, value }) => `${meaning.zh} ${value}`).join('，')}）`,
    en: `${command.meaning.en} (${list.map(({ meaning, value }) => `${meaning.en} ${value}`).join(', ')})`,
  }
}

/** What a command does not speak of stays as it was; only a sound ends by itself. */
function shownAfter(before: Shown, command: Command, values: ParameterValues): Shown {
  const { lamp, text, sound } = command.shows
  const fill = (template: string) =>
    template.replace(/\{([a-z0-9-]+)\}/g, (_, name: string) => String(values[name] ?? '—'))
  return {
    lamp: lamp ?? before.lamp,
    text: text ? { zh: fill(text.zh), en: fill(text.en) } : before.text,
    sound: sound ?? 'silent',
  }
}
