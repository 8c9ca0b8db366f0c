import { formatBytes } from '#agent/pad/bytes.ts'
import type { FieldFile } from '#agent/pad/frame-schema.ts'
import type { Text } from '#runtime/language.ts'
import {
  columnOf,
  commonSuffix,
  dependsOnKey,
  distinct,
  findAddressAt,
  findKeySpan,
  isConstant,
  keysAt,
  rowOf,
  type Span,
} from './columns.ts'
import { checksumField, fieldsOf, type Place } from './fields.ts'
import { bestChecksum, type FoundChecksum, findChecksums } from './find-checksum.ts'
import type { FoundFrame } from './find-frames.ts'
import type { FoundEvent, FoundLayout } from './findings.ts'
import { addressDoubt, checksumFacts, lengthDoubt } from './words.ts'

/**
 * Frames of one length, place by place; null where no place tells the keys apart. `borders` are places at which a
 * field has to begin.
 */
export function findFixed(
  pressed: readonly FoundFrame[],
  others: readonly FoundFrame[],
  borders: readonly number[] = [],
): FoundLayout | null {
  const all = [...pressed, ...others]
  const length = all[0]!.bytes.length
  if (length === 1) return findByte(pressed, others)
  const addressAt = findAddressAt(all)
  const byKey = Array.from({ length }, (_, at) => dependsOnKey(rowOf(pressed), at))
  const firstKey = byKey.indexOf(true)
  if (firstKey < 0) return null
  const tailMax = Math.min(4, commonSuffix(all))
  const different = distinct(all)
  const checks = findChecksums(different, tailMax, {
    first: firstKey,
    lastFromEnd: (tail, size) => length - 1 - byKey.lastIndexOf(true, length - tail - size - 1),
  })
  const check = bestChecksum(checks)
  // A copy of the key is no sum over it, though it would also fit one.
  const copies = copiesOf(pressed, all, length)
  const isCopyOnly = check?.size === 1 && copies.includes(length - check.tailSize - 1)
  const used = isCopyOnly ? null : check
  const end = used ? length - used.tailSize - used.size : length
  const span = findKeySpan(rowOf(pressed), end)
  if (!span) return null
  return assemble({ pressed, others, all, span, check: used, checks, copies, addressAt, length, borders })
}

/** Places that hold the same as the first place that tells the keys apart. */
function copiesOf(pressed: readonly FoundFrame[], all: readonly FoundFrame[], length: number): number[] {
  const span = findKeySpan(rowOf(pressed), length)
  if (span?.size !== 1) return []
  const key = columnOf(all, span.at).join()
  return Array.from({ length }, (_, at) => at).filter(at => at > span.at && columnOf(all, at).join() === key)
}

interface FixedParts {
  pressed: readonly FoundFrame[]
  others: readonly FoundFrame[]
  all: readonly FoundFrame[]
  span: Span
  check: FoundChecksum | null
  checks: readonly FoundChecksum[]
  copies: readonly number[]
  addressAt: readonly number[]
  length: number
  borders: readonly number[]
}

function assemble(parts: FixedParts): FoundLayout | null {
  const { pressed, others, all, span, check, copies, addressAt, length, borders } = parts
  const checkAt = check ? length - check.tailSize - check.size : length
  const places = Array.from({ length }, (_, at): Place => {
    if (check && at >= checkAt && at < checkAt + check.size) return { is: 'checksum' }
    if (at >= span.at && at < span.at + span.size) return { is: 'key' }
    if (at === addressAt[0]) return { is: 'address' }
    if (copies.includes(at)) return { is: 'repeat' }
    return isConstant(all, at) ? { is: 'constant', byte: all[0]!.bytes[at]! } : { is: 'value' }
  })
  const fields = fieldsOf(places, new Set([...borders, ...(check ? [check.from, length - check.leftOut] : [])]))
  const layout = finish(fields, check, length)
  const [first] = layout
  const keys = keysAt(rowOf(pressed), span)
  if (first?.is === 'value') {
    if (first.size !== 1 || first.name !== 'key') {
      if (!check) return null
    } else first.oneOf = [...new Set(all.map(({ bytes }) => formatBytes(bytes.subarray(0, 1))))].sort().join(' ')
  }
  const proofBytes = places.filter(({ is }) => is === 'constant' || is === 'repeat').length + (check?.size ?? 0) * 2
  return {
    frame: { kind: 'fields', direction: 'from-pad', layout, ...(proofBytes < 2 && { believed: 'while-armed' }) },
    events: eventsOf(fields, pressed, others, keys),
    facts: factsOf(parts, layout),
    doubts: doubtsOf(parts, places),
    address: addressAt.length > 0 ? pressed[0]!.address : null,
    proofBytes,
  }
}

/** Puts into the checksum field which fields it covers. */
function finish(fields: { field: FieldFile; at: number }[], check: FoundChecksum | null, length: number): FieldFile[] {
  return fields.map(({ field }) => {
    if (field.is !== 'checksum') return field
    const from = fields.find(({ at }) => at === check!.from)!.field.name
    const to = fields.findLast(({ at }) => at < length - check!.leftOut)!.field.name
    return { name: field.name, ...checksumField(check!, from, to) }
  })
}

function eventsOf(
  fields: readonly { field: FieldFile; at: number }[],
  pressed: readonly FoundFrame[],
  others: readonly FoundFrame[],
  keys: FoundEvent['keys'],
): FoundEvent[] {
  const values = fields.filter(({ field }) => field.is === 'value' && field.name !== 'key')
  const textOf = ({ bytes }: FoundFrame, { field, at }: { field: FieldFile; at: number }) =>
    formatBytes(bytes.subarray(at, at + field.size!))
  const states = values.filter(one => new Set(pressed.map(frame => textOf(frame, one))).size === 1)
  const matchOf = (frame: FoundFrame) => Object.fromEntries(states.map(one => [one.field.name, textOf(frame, one)]))
  const match = matchOf(pressed[0]!)
  const event: FoundEvent = {
    name: 'key',
    event: { gives: 'key', ...(states.length > 0 && { match }), value: { field: 'key' } },
    keys,
  }
  const other = others.map(matchOf).find(one => JSON.stringify(one) !== JSON.stringify(match))
  if (!other) return [event]
  return [event, { name: 'released', event: { gives: 'released', match: other, value: { field: 'key' } }, keys: [] }]
}

function factsOf({ check, span, all, copies, addressAt }: FixedParts, layout: readonly FieldFile[]): Text[] {
  const [head, tail] = [layout[0]!, layout.at(-1)!]
  const length = all[0]!.bytes.length
  return [
    { zh: `每帧 ${length} 字节`, en: `every frame has ${length} bytes` },
    ...(head.is === 'constant' ? [{ zh: `帧头 ${head.bytes}`, en: `head ${head.bytes}` }] : []),
    ...(tail.is === 'constant' ? [{ zh: `帧尾 ${tail.bytes}`, en: `tail ${tail.bytes}` }] : []),
    {
      zh: `按键值在第 ${span.at + 1} 字节${span.size > 1 ? `起的 ${span.size} 字节` : ''}`,
      en: `the key stands in byte ${span.at + 1}${span.size > 1 ? ` and the ${span.size - 1} behind it` : ''}`,
    },
    ...(copies.length > 0 && layout.some(({ is }) => is === 'repeat')
      ? [{ zh: '按键值重复发送', en: 'the key is said twice' }]
      : []),
    ...(addressAt.length > 0
      ? [{ zh: `地址在第 ${addressAt[0]! + 1} 字节`, en: `the address stands in byte ${addressAt[0]! + 1}` }]
      : []),
    ...checksumFacts(check, distinct(all).length),
  ]
}

function doubtsOf({ all, check, checks, addressAt, length, pressed }: FixedParts, places: readonly Place[]): Text[] {
  const doubts: Text[] = []
  const constants = places.flatMap((place, at) => (place.is === 'constant' ? [{ at, byte: place.byte }] : []))
  const lengthAt = constants.find(({ at, byte }) => at > 0 && byte >= 1 && byte <= length && byte >= length - at - 6)
  if (lengthAt) doubts.push(lengthDoubt(lengthAt.at, length))
  if (addressAt.length === 0) {
    const set = pressed[0]!.address
    const maybe = constants.filter(({ at, byte }) => at > 0 && (set === null ? byte <= 32 : byte === set))
    if (maybe.length > 0 && length > 3) doubts.push(addressDoubt(maybe.map(({ at }) => at)))
  }
  const rivals = checks.filter(
    one =>
      check && one !== check && (one.title !== check.title || one.from !== check.from || one.leftOut !== check.leftOut),
  )
  if (check && rivals.length > 0) {
    const titles = [...new Set(rivals.map(({ title, from }) => `${title} ${from + 1}…`))].slice(0, 3).join(', ')
    doubts.push({
      zh: `校验方式不唯一：${titles} 也与所有帧相符；改变地址或其他内容后再按一次可以区分`,
      en: `the checksum is not the only one that fits: ${titles} does too; a press with another address or content tells`,
    })
  }
  if (!check && new Set(columnOf(all, length - 1)).size > 1 && length > 2 && places.at(-1)!.is !== 'key') {
    doubts.push({
      zh: '最后一个字节随按键变化，但不是已知的校验；未作检查',
      en: 'the last byte changes with the key but is no checksum that is known; it is not checked',
    })
  }
  return doubts
}

function findByte(pressed: readonly FoundFrame[], others: readonly FoundFrame[]): FoundLayout {
  const keys = keysAt(pressed, { at: 0, size: 1 })
  const bytes = [...new Set([...pressed, ...others].map(frame => frame.bytes[0]!))].sort((a, b) => a - b)
  const text = (byte: number) => formatBytes([byte])
  const isRow = bytes.at(-1)! - bytes[0]! === bytes.length - 1
  const believed = 'while-armed' as const
  return {
    frame: isRow
      ? { kind: 'byte', direction: 'from-pad', believed, first: text(bytes[0]!), last: text(bytes.at(-1)!) }
      : {
          kind: 'fields',
          direction: 'from-pad',
          believed,
          layout: [{ name: 'key', is: 'value', size: 1, oneOf: formatBytes(bytes) }],
        },
    events: [{ name: 'key', event: { gives: 'key', ...(!isRow && { value: { field: 'key' } }) }, keys }],
    facts: [{ zh: '每次按键只发一个字节', en: 'a press is one bare byte' }],
    doubts: [
      {
        zh: '单个字节无法自证，只在邀评期间采信',
        en: 'a bare byte proves nothing; it is only believed while a prompt is open',
      },
    ],
    address: null,
    proofBytes: 0,
  }
}
