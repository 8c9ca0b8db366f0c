import { formatBytes } from '#agent/pad/bytes.ts'
import type { FieldFile } from '#agent/pad/frame-schema.ts'
import type { Text } from '#runtime/language.ts'
import { commonPrefix, commonSuffix, dependsOnKey, distinct, findKeySpan, isConstant, rowOf } from './columns.ts'
import { checksumField } from './fields.ts'
import { bestChecksum, type FoundChecksum, findChecksums } from './find-checksum.ts'
import type { FoundFrame } from './find-frames.ts'
import type { FoundEvent, FoundLayout } from './findings.ts'
import { checksumFacts } from './words.ts'

/** A place whose number follows the length of the frame. */
interface FoundLength {
  at: number
  size: 1 | 2
  isLittle: boolean
  isDecimal: boolean
  unitBytes: 1 | 2
  /** Bytes of the frame that it does not count. */
  uncounted: number
}

/** Frames of several lengths: a length that counts them, else a tail that ends them; null where neither is there. */
export function findVariable(pressed: readonly FoundFrame[], others: readonly FoundFrame[]): FoundLayout | null {
  const head = commonPrefix(pressed)
  const alike = others.filter(({ bytes }) => head > 0 && bytes.length > 2 && bytes[0] === pressed[0]!.bytes[0])
  return (
    findOver(pressed, alike) ??
    (new Set(pressed.map(({ bytes }) => bytes.length)).size > 1 ? findOver(pressed, [], true) : null)
  )
}

function findOver(
  pressed: readonly FoundFrame[],
  others: readonly FoundFrame[],
  isTailEnough = false,
): FoundLayout | null {
  const all = [...pressed, ...others]
  if (new Set(all.map(({ bytes }) => bytes.length)).size < 2) return null
  const different = distinct(all)
  const tailMax = Math.min(4, commonSuffix(all))
  const front = commonPrefix(all)
  const lengths = findLengths(all, front)
  for (const length of lengths) {
    const built = build({ pressed, all, different, tailMax, front, length })
    if (built) return built
  }
  return isTailEnough && tailMax > 0 ? build({ pressed, all, different, tailMax, front, length: null }) : null
}

function findLengths(all: readonly FoundFrame[], front: number): FoundLength[] {
  const found: FoundLength[] = []
  const shortest = Math.min(...all.map(({ bytes }) => bytes.length))
  for (let at = 1; at <= Math.min(front, 8); at++) {
    for (const [size, isDecimal] of [
      [2, false],
      [1, false],
      [2, true],
    ] as const) {
      if (at + size > shortest) continue
      for (const isLittle of size === 2 && !isDecimal ? [false, true] : [false]) {
        for (const unitBytes of [1, 2] as const) {
          const uncounted = all.map(
            ({ bytes }) => bytes.length - unitBytes * readNumber(bytes, at, size, isLittle, isDecimal),
          )
          const [first] = uncounted as [number]
          if (!uncounted.every(one => one === first) || first < -64 || first > 64) continue
          found.push({ at, size, isLittle, isDecimal, unitBytes, uncounted: first })
        }
      }
    }
  }
  return found
}

function readNumber(bytes: Uint8Array, at: number, size: number, isLittle: boolean, isDecimal: boolean): number {
  const own = [...bytes.subarray(at, at + size)]
  if (isDecimal) return /^\d+$/.test(String.fromCharCode(...own)) ? Number(String.fromCharCode(...own)) : Number.NaN
  return (isLittle ? own.reverse() : own).reduce((sum, byte) => sum * 256 + byte, 0)
}

interface Parts {
  pressed: readonly FoundFrame[]
  all: readonly FoundFrame[]
  different: readonly FoundFrame[]
  tailMax: number
  front: number
  length: FoundLength | null
}

function build(parts: Parts): FoundLayout | null {
  const { pressed, all, different, tailMax, length } = parts
  const restAt = length ? restAfter(length, all, tailMax) : parts.front
  if (restAt === 0 && !length && tailMax === 0) return null
  const rows = rowsOf(pressed)
  const keyPlaces = rows.flatMap(row => row.filter(() => row[0]!.bytes.length > restAt).slice(0, 1))
  if (keyPlaces.length === 0) return null
  const firstKey = firstKeyPlace(pressed, restAt)
  const checks = findChecksums(different, tailMax, {
    first: firstKey,
    lastFromEnd: (tail, size) => tail + size,
  }).filter(({ from }) => from <= restAt)
  const check = bestChecksum(checks)
  const tail = check ? check.tailSize : tailMax
  if (!length && tail === 0) return null
  const behind = tail + (check?.size ?? 0)
  if (all.some(({ bytes }) => bytes.length < restAt + behind)) return null
  const layout = layoutOf(parts, restAt, check, tail)
  const restBytes = all.map(({ bytes }) => bytes.length - restAt - behind)
  const events = rows.map((row, i) => eventOf(row, i, restAt, behind))
  if (!layout || events.some(event => event === null)) return null
  if (layout[0]!.is === 'length') return null
  return {
    frame: {
      kind: 'fields',
      direction: 'from-pad',
      restBytesMin: Math.min(...restBytes),
      restBytesMax: Math.max(...restBytes),
      layout,
    },
    events: events as FoundEvent[],
    facts: factsOf(parts, layout, check, tail),
    doubts:
      checks.length > 1 && checks.some(({ title, from }) => title !== check!.title || from !== check!.from)
        ? [CHECK_DOUBT]
        : [],
    address: null,
    proofBytes: restAt + tail + (check?.size ?? 0) * 2,
  }
}

const CHECK_DOUBT: Text = {
  zh: '校验的起点或方式不唯一，其他组合也与所有帧相符',
  en: 'where the checksum begins, or its kind, is not the only one that fits all frames',
}

/** Constants and a second copy of the length directly behind it stand before the rest. */
function restAfter(length: FoundLength, all: readonly FoundFrame[], tailMax: number): number {
  const shortest = Math.min(...all.map(({ bytes }) => bytes.length))
  let at = length.at + length.size
  while (at < shortest - tailMax - 1 && (isConstant(all, at) || isCopy(all, length, at))) at++
  return at
}

function isCopy(all: readonly FoundFrame[], { at, size }: FoundLength, place: number): boolean {
  return size === 1 && all.every(({ bytes }) => bytes[place] === bytes[at])
}

function firstKeyPlace(pressed: readonly FoundFrame[], restAt: number): number {
  const shortest = Math.min(...pressed.map(({ bytes }) => bytes.length))
  for (let at = restAt; at < shortest; at++) if (dependsOnKey(rowOf(pressed), at)) return at
  return restAt
}

/** Presses by the length of their frames: each length has its own places. */
function rowsOf(pressed: readonly FoundFrame[]): FoundFrame[][] {
  const byLength = new Map<number, FoundFrame[]>()
  for (const frame of pressed) {
    const row = byLength.get(frame.bytes.length) ?? []
    byLength.set(frame.bytes.length, row)
    row.push(frame)
  }
  return [...byLength.values()]
}

function eventOf(row: readonly FoundFrame[], index: number, restAt: number, behind: number): FoundEvent | null {
  const [first] = row as [FoundFrame]
  const size = first.bytes.length - restAt - behind
  if (size < 1) return null
  const data = row.map(frame => ({ ...frame, bytes: frame.bytes.subarray(restAt, restAt + size) }))
  const span = findKeySpan(data, size)
  if (!span) return null
  const isKey = (at: number) => at >= span.at && at < span.at + span.size
  const isFixed = Array.from({ length: size }, (_, at) => !isKey(at) && isConstant(data, at))
  const bytes = isFixed.map((fixed, at) => (fixed ? data[0]!.bytes[at]! : 0))
  const masks = formatBytes(isFixed.map(fixed => (fixed ? 0xff : 0)))
  const raws = new Map(data.map(frame => [frame.key, formatBytes(frame.bytes.subarray(span.at, span.at + span.size))]))
  return {
    name: index === 0 ? 'key' : `key-${index + 1}`,
    event: {
      match: { data: formatBytes(bytes) },
      masks: { data: masks },
      gives: 'key',
      value: { field: 'data', at: span.at, size: span.size },
    },
    keys: [...raws].sort(([a], [b]) => a - b).map(([key, raw]) => ({ key, raw })),
  }
}

function layoutOf(
  { all, length, different }: Parts,
  restAt: number,
  check: FoundChecksum | null,
  tail: number,
): FieldFile[] | null {
  const [first] = all as [FoundFrame]
  const fields: { at: number; field: FieldFile }[] = []
  const cut = check?.from ?? -1
  const constant = (from: number, to: number, name: string) => {
    const parts =
      cut > from && cut < to
        ? [
            [from, cut],
            [cut, to],
          ]
        : [[from, to]]
    for (const [i, [a, b]] of parts.entries()) {
      if (b! > a!)
        fields.push({
          at: a!,
          field: { name: i === 0 ? name : `${name}-2`, is: 'constant', bytes: formatBytes(first.bytes.subarray(a, b)) },
        })
    }
  }
  if (!length) constant(0, restAt, 'head')
  else {
    constant(0, length.at, 'head')
    fields.push({ at: length.at, field: { name: 'length', is: 'length' } })
    let from = length.at + length.size
    let marks = 0
    for (let at = from; at <= restAt; at++) {
      const isEnd = at === restAt
      const isAgain = !isEnd && isCopy(all, length, at) && !isConstant(all, at)
      if (!isEnd && !isAgain) continue
      if (at > from) constant(from, at, marks++ === 0 ? 'mark' : `mark-${marks}`)
      if (isAgain)
        fields.push({
          at,
          field: { name: `length-again${at > length.at + length.size ? `-${at}` : ''}`, is: 'repeat', of: 'length' },
        })
      from = at + 1
    }
  }
  fields.push({ at: restAt, field: { name: 'data', is: 'rest', ...(!length && { ends: 'tail' as const }) } })
  if (check) {
    const from = fields.find(({ at }) => at === check.from)?.field.name
    if (from === undefined) return null
    fields.push({ at: -1, field: { name: 'check', ...checksumField(check, from, 'data') } })
  }
  if (tail > 0) {
    const bytes = first.bytes.subarray(first.bytes.length - tail)
    fields.push({ at: -1, field: { name: 'tail', is: 'constant', bytes: formatBytes(bytes) } })
  }
  if (length && !setCoverage(fields, length, different[0]!.bytes.length, restAt, check?.size ?? 0, tail)) return null
  return fields.map(({ field }) => field)
}

/** Says what the length counts: whole fields if some add up, else the rest with a correction. */
function setCoverage(
  fields: { at: number; field: FieldFile }[],
  length: FoundLength,
  frameBytes: number,
  restAt: number,
  checkSize: number,
  tail: number,
): boolean {
  const own = fields.find(({ field }) => field.name === 'length')!
  const shape = {
    ...(length.size === 2 && { size: 2 }),
    ...(length.isLittle && { endian: 'little' as const }),
    ...(length.isDecimal && { coded: 'decimal' as const }),
    ...(length.unitBytes === 2 && { unit: 'words' as const }),
  }
  const ends: [string, number][] = [['data', checkSize + tail]]
  if (checkSize > 0) ends.push(['check', tail])
  if (tail > 0) ends.push(['tail', 0])
  const starts = fields.filter(({ at }) => at >= 0 && at <= restAt).reverse()
  for (const [to, after] of ends) {
    for (const start of starts) {
      if (start.at + after !== length.uncounted) continue
      own.field = { ...own.field, from: start.field.name, to, ...shape }
      return true
    }
  }
  const adjust = (restAt + checkSize + tail - length.uncounted) / length.unitBytes
  if (!Number.isInteger(adjust) || frameBytes <= 0) return false
  own.field = { ...own.field, from: 'data', to: 'data', ...shape, adjust }
  return true
}

function factsOf(
  { all, different, length }: Parts,
  layout: readonly FieldFile[],
  check: FoundChecksum | null,
  tail: number,
): Text[] {
  const sizes = [...new Set(all.map(({ bytes }) => bytes.length))].sort((a, b) => a - b).join('、')
  const [head] = layout
  const field = layout.find(({ is }) => is === 'length')
  const end = layout.at(-1)!
  return [
    { zh: `帧长 ${sizes} 字节`, en: `frames have ${sizes.replaceAll('、', ', ')} bytes` },
    ...(head!.is === 'constant' ? [{ zh: `帧头 ${head!.bytes}`, en: `head ${head!.bytes}` }] : []),
    ...(length && field
      ? [
          {
            zh: `第 ${length.at + 1} 字节是长度，计 ${field.from} 到 ${field.to}${field.adjust ? `，修正 ${field.adjust}` : ''}`,
            en: `byte ${length.at + 1} is the length, counting ${field.from} to ${field.to}${field.adjust ? `, adjusted by ${field.adjust}` : ''}`,
          },
        ]
      : [{ zh: '没有长度，由帧尾结束', en: 'no length; the tail ends a frame' }]),
    ...(tail > 0 ? [{ zh: `帧尾 ${end.bytes}`, en: `tail ${end.bytes}` }] : []),
    ...checksumFacts(check, different.length),
  ]
}
