import { bytesOf, formatBytes, numberOf } from '#agent/pad/bytes.ts'
import type { EventFile } from '#agent/pad/event-schema.ts'
import type { FieldFile, FrameFile } from '#agent/pad/frame-schema.ts'
import type { Text } from '#runtime/language.ts'
import { findKeySpan, keysAt, type Span } from './columns.ts'
import type { FoundFrame } from './find-frames.ts'
import { findLayouts } from './find-layout.ts'
import type { FoundKey } from './findings.ts'
import { MODBUS_DATA_AT, type ModbusRead } from './modbus.ts'

/** What the answers of a pad that is asked turn out to be, in the words of a profile. */
export interface FoundAnswer {
  readonly frames: Readonly<Record<string, FrameFile>>
  readonly events: readonly { readonly name: string; readonly event: Omit<EventFile, 'meaning' | 'grades'> }[]
  readonly keys: readonly (FoundKey & { readonly event: string })[]
  readonly facts: readonly Text[]
  readonly doubts: readonly Text[]
}

/** One answer for each face, and the one while nobody presses; all of one length. */
export interface Answers {
  readonly pressed: readonly FoundFrame[]
  readonly idle: Uint8Array
}

const FROM_PAD = { kind: 'fields', direction: 'from-pad', believed: 'while-requested' } as const

/** Reads the answers to a Modbus request, whose form is known but for the place of the keys. */
export function findModbusAnswer(answers: Answers, { reads }: ModbusRead): FoundAnswer | null {
  const size = answers.idle.length - MODBUS_DATA_AT - 2
  const span = spanOf(answers, MODBUS_DATA_AT, MODBUS_DATA_AT + size)
  if (!span) return null
  const { idle } = answers
  const before = [
    { name: 'unit', is: 'address' },
    { name: 'function', is: 'constant', bytes: formatBytes([reads]) },
    { name: 'bytes', is: 'constant', bytes: formatBytes(idle.subarray(2, 3)) },
    ...valueField('before', span.at - MODBUS_DATA_AT),
  ] as const
  const after: FieldFile[] = [
    ...valueField('after', MODBUS_DATA_AT + size - span.at - span.size),
    {
      name: 'crc',
      is: 'checksum',
      algorithm: 'crc16-modbus',
      endian: 'little',
      from: 'unit',
      to: span.at + span.size < MODBUS_DATA_AT + size ? 'after' : 'key',
    },
  ]
  const layout: FieldFile[] = [...before, { name: 'key', is: 'value', size: span.size }, ...after]
  return answerOf(answers, span, layout, [{ zh: `Modbus-RTU 功能码 ${reads}`, en: `Modbus-RTU, function ${reads}` }])
}

function valueField(name: string, size: number): FieldFile[] {
  return size > 0 ? [{ name, is: 'value', size }] : []
}

/** Reads answers of an unknown form: as frames of one length, the idle one as one key more. */
export function findOtherAnswer(answers: Answers): FoundAnswer | null {
  const all = withIdle(answers)
  if (answers.idle.length === 1) {
    const bytes = [...new Set(all.map(frame => frame.bytes[0]!))].sort((a, b) => a - b)
    const field: FieldFile = { name: 'key', is: 'value', size: 1, oneOf: formatBytes(bytes) }
    const span = spanOf(answers, 0, 1)
    return span && answerOf(answers, span, [field], [])
  }
  for (const { frame, events, facts, doubts } of findLayouts({ pressed: all, others: [], how: 'repeated' })) {
    const [event] = events
    if (frame.kind !== 'fields' || events.length !== 1 || event!.event.value?.field !== 'key') continue
    const span = spanOf(answers, 0, answers.idle.length)
    const isLikewise =
      span && keysAt(all, span).every(({ key, raw }) => event!.keys.some(one => one.key === key && one.raw === raw))
    const found = isLikewise && answerOf(answers, span, frame.layout!, facts)
    if (found) return { ...found, doubts }
  }
  return null
}

/** The shortest place that tells the faces from each other and from none. */
function spanOf(answers: Answers, from: number, to: number): Span | null {
  const inside = withIdle(answers).map(frame => ({ ...frame, bytes: frame.bytes.subarray(from, to) }))
  const span = findKeySpan(inside, to - from)
  return span && { at: span.at + from, size: span.size }
}

function withIdle({ pressed, idle }: Answers): FoundFrame[] {
  return [...pressed, { press: -1, key: idleKey(pressed), address: null, atMs: 0, bytes: idle }]
}

const idleKey = (pressed: readonly FoundFrame[]) => Math.max(...pressed.map(({ key }) => key)) + 1

function answerOf(answers: Answers, span: Span, layout: FieldFile[], facts: readonly Text[]): FoundAnswer {
  const rawOf = (bytes: Uint8Array) => bytes.subarray(span.at, span.at + span.size)
  const keys = keysAt(answers.pressed, span)
  const bits = bitsOf(keys, numberOf(rawOf(answers.idle)))
  const place: Text = {
    zh: `按键值在应答的第 ${span.at + 1} 字节${span.size > 1 ? `起的 ${span.size} 字节` : ''}`,
    en: `the key stands in byte ${span.at + 1}${span.size > 1 ? ` and the ${span.size - 1} behind it` : ''} of the answer`,
  }
  const answer: FrameFile = { ...FROM_PAD, layout }
  if (bits) {
    return {
      frames: { answer },
      events: [
        {
          name: 'keys',
          event: { frame: 'answer', gives: 'keys', value: { field: 'key' }, ...(bits.isLow && { pressed: 'low' }) },
        },
      ],
      keys: bits.deltas.map(({ key, delta }) => ({ key, raw: formatBytes(bytesOf(delta, span.size)), event: 'keys' })),
      facts: [...facts, place, bits.isLow ? LOW : HIGH],
      doubts: [],
    }
  }
  const constant: FieldFile = { name: 'key', is: 'constant', bytes: formatBytes(rawOf(answers.idle)) }
  const idle: FrameFile = { ...FROM_PAD, layout: layout.map(field => (field.name === 'key' ? constant : field)) }
  return {
    // The first of two frames that fit is taken: what is no key must not become an unknown one.
    frames: { 'no-key': idle, answer },
    events: [
      { name: 'released', event: { frame: 'no-key', gives: 'released' } },
      { name: 'key', event: { frame: 'answer', gives: 'key', value: { field: 'key' } } },
    ],
    keys: keys.map(one => ({ ...one, event: 'key' })),
    facts: [
      ...facts,
      place,
      { zh: `无按键时该处为 ${constant.bytes}`, en: `without a key it holds ${constant.bytes}` },
    ],
    doubts: [],
  }
}

const HIGH: Text = { zh: '每键一位，按下为 1', en: 'each key has a bit, 1 while it is down' }
const LOW: Text = { zh: '每键一位，按下为 0', en: 'each key has a bit, 0 while it is down' }

/** Whether each key changes one bit of its own, all in the same direction. */
function bitsOf(
  keys: readonly FoundKey[],
  idle: number,
): { deltas: { key: number; delta: number }[]; isLow: boolean } | null {
  const changes = keys.map(({ key, raw }) => {
    const value = Number.parseInt(raw.replaceAll(' ', ''), 16)
    return { key, delta: Math.abs(value - idle), isRising: value > idle, isOneBit: isOneBit(value, idle) }
  })
  const [first] = changes
  const isMap = changes.every(({ isOneBit: isBit, isRising }) => isBit && isRising === first!.isRising)
  // One bit for each of two keys is also what two numbers differ by; three are no accident.
  return isMap && changes.length > 2 ? { deltas: changes, isLow: !first!.isRising } : null
}

/** Without the signed shifts of 32 bits. */
function isOneBit(a: number, b: number): boolean {
  const [x, y] = [bytesOf(a, 4), bytesOf(b, 4)]
  const changed = numberOf(x.map((byte, i) => byte ^ y[i]!))
  return changed > 0 && Number.isInteger(Math.log2(changed))
}
