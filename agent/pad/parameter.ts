import { unreachable } from '#protocol/result.ts'
import type { Text } from '#runtime/language.ts'
import { type ByteList, bytesOf, numberOf } from './bytes.ts'
import { decodeText, encodeCharacters } from './encoding.ts'
import type { Encoding } from './encoding-names.ts'

/** A hole of a template, and how a value fills it. */
export type Parameter = NumberParameter | TextParameter | EncodingParameter | SizeParameter | SegmentParameter

interface ParameterBase {
  readonly name: string
  readonly meaning: Text
  readonly default: number | string | null
}

export interface NumberParameter extends ParameterBase {
  readonly as: 'number' | 'digits' | 'bcd' | 'decimal' | 'seven-bit'
  /** Bytes; 0 for a decimal number of as many digits as it needs. */
  readonly size: number
  readonly isLittle: boolean
  readonly min: number
  readonly max: number
  /** So much of the parameter is so much on the line. */
  readonly scale: { readonly value: number; readonly wire: number }
  readonly blank: number | null
}

export interface TextParameter extends ParameterBase {
  readonly as: 'text'
  /** Null: the encoding of the profile. */
  readonly encoding: Encoding | null
  readonly bytesMax: number
  readonly padWith: ByteList | null
  readonly terminator: ByteList
  readonly escapes: readonly (ByteList | null)[]
  readonly isEscapingTrails: boolean
  readonly isSevenBit: boolean
}

/** Says which encoding the texts have. */
export interface EncodingParameter extends ParameterBase {
  readonly as: 'encoding'
  readonly codes: Readonly<Partial<Record<Encoding, ByteList>>>
}

/** Says how many bytes a text has. */
export interface SizeParameter extends ParameterBase {
  readonly as: 'size-of'
  readonly of: TextParameter
  readonly size: number
  readonly isLittle: boolean
  readonly isDecimal: boolean
}

/** Counts the pieces of a long text. */
export interface SegmentParameter extends ParameterBase {
  readonly as: 'segment-number' | 'segment-count'
  readonly size: number
  readonly isDecimal: boolean
  readonly first: number
}

/** What holds for all texts of a profile, and for the piece of a text that is being written. */
export interface ParameterContext {
  readonly encoding: Encoding
  readonly replacement: string
  readonly segment?: { readonly number: number; readonly count: number; readonly bytes: ByteList; readonly of: string }
}

export function parameterBytes(parameter: Parameter): { min: number; max: number } {
  switch (parameter.as) {
    case 'text': {
      const { bytesMax, terminator, padWith, isSevenBit } = parameter
      const max = (bytesMax + terminator.length) * (isSevenBit ? 2 : 1)
      return { min: padWith ? max : terminator.length * (isSevenBit ? 2 : 1), max }
    }
    case 'encoding': {
      const size = Object.values(parameter.codes)[0]?.length ?? 0
      return { min: size, max: size }
    }
    case 'decimal':
      if (parameter.size === 0) return { min: 1, max: String(parameter.max).length }
  }
  return { min: parameter.size, max: parameter.size }
}

/**
 * The bytes of one parameter. A number outside its range becomes the nearest one inside it: a pad that can count
 * to 255 seconds is better asked for 255 than not asked. A text too long is cut at the border of a character.
 */
export function encodeParameter(
  parameter: Parameter,
  given: number | string | undefined,
  values: Readonly<Record<string, number | string>>,
  context: ParameterContext,
): ByteList {
  switch (parameter.as) {
    case 'text':
      if (context.segment?.of === parameter.name) return closed(parameter, context.segment.bytes)
      return closed(parameter, textBytes(parameter, given, context))
    case 'encoding':
      return parameter.codes[context.encoding]!
    case 'size-of': {
      const { of } = parameter
      const bytes = context.segment?.of === of.name ? context.segment.bytes : textBytes(of, values[of.name], context)
      return count(closed(of, bytes).length, parameter)
    }
    case 'segment-number':
      return count((context.segment?.number ?? 0) + parameter.first, parameter)
    case 'segment-count':
      return count(context.segment?.count ?? 1, parameter)
    default:
      return encodeNumber(parameter, given)
  }
}

/** What is written for every number: its default where none is given, brought into its range. */
export function numbersInForce(
  parameters: Readonly<Record<string, Parameter>>,
  values: Readonly<Record<string, number | string>>,
): Record<string, number | string> {
  const inForce = { ...values }
  for (const parameter of Object.values(parameters)) {
    if (!('min' in parameter)) continue
    const value = values[parameter.name] ?? parameter.default
    if (value !== null && Number.isFinite(Number(value))) inForce[parameter.name] = inRange(parameter, Number(value))
  }
  return inForce
}

function inRange({ min, max }: NumberParameter, value: number): number {
  return Math.min(max, Math.max(min, Math.trunc(value)))
}

/** A text encoded, escaped and cut; without its padding and terminator. */
export function textBytes(
  parameter: TextParameter,
  given: number | string | undefined,
  context: ParameterContext,
): number[] {
  return textCharacters(parameter, given, context).flat()
}

/** The same character by character, so that a long one can be cut into pieces between them. */
export function textCharacters(
  parameter: TextParameter,
  given: number | string | undefined,
  context: ParameterContext,
): number[][] {
  const text = String(given ?? parameter.default ?? '')
  const encoding = parameter.encoding ?? context.encoding
  const characters: number[][] = []
  let size = 0
  for (const bytes of encodeCharacters(text, encoding, context.replacement)) {
    const own = escaped(parameter, bytes)
    size += own.length
    if (size > parameter.bytesMax) break
    characters.push(own)
  }
  return characters
}

function escaped({ escapes, isEscapingTrails }: TextParameter, bytes: Uint8Array): number[] {
  if (escapes.length === 0 || (bytes.length > 1 && !isEscapingTrails)) return [...bytes]
  return [...bytes].flatMap(byte => (escapes[byte] ? [...escapes[byte]] : [byte]))
}

function closed(parameter: TextParameter, text: ByteList): ByteList {
  const { padWith, bytesMax, terminator, isSevenBit } = parameter
  const bytes = [...text]
  while (padWith && bytes.length + padWith.length <= bytesMax) bytes.push(...padWith)
  // What is not a whole unit of the padding stays short by less than one unit.
  while (padWith && bytes.length < bytesMax) bytes.push(padWith[0]!)
  bytes.push(...terminator)
  return isSevenBit ? bytes.flatMap(byte => [byte & 0x7f, byte >> 7]) : bytes
}

function count(value: number, { size, isDecimal, isLittle }: { size: number; isDecimal: boolean; isLittle?: boolean }) {
  if (isDecimal) return Array.from(String(value).padStart(size, '0'), digit => digit.charCodeAt(0))
  const bytes = bytesOf(value, size)
  return isLittle ? bytes.reverse() : bytes
}

function encodeNumber(parameter: NumberParameter, given: number | string | undefined): number[] {
  const value = given === undefined || given === '' ? parameter.default : given
  const { size, blank, scale } = parameter
  if (value === null || !Number.isFinite(Number(value))) {
    if (blank === null) throw new Error(`parameter ${parameter.name} has no value, no default and no blank`)
    return new Array<number>(size).fill(blank)
  }
  return writeNumber(parameter, Math.round((inRange(parameter, Number(value)) * scale.wire) / scale.value))
}

function writeNumber({ as, size, isLittle }: NumberParameter, value: number): number[] {
  switch (as) {
    case 'number':
      return isLittle ? bytesOf(value, size).reverse() : bytesOf(value, size)
    case 'digits':
      return bytesOf(value, size, 10)
    case 'bcd':
      return bytesOf(value, size, 100).map(pair => Math.floor(pair / 10) * 16 + (pair % 10))
    case 'seven-bit':
      return bytesOf(value, size, 128).reverse()
    case 'decimal':
      return Array.from(String(value).padStart(size, '0'), digit => digit.charCodeAt(0))
    default:
      return unreachable(as)
  }
}

interface Found {
  /** Left out where the parameter is blank, or says nothing of its own. */
  value?: number | string
  size: number
}

/** Reads one parameter from the beginning of `bytes`; null when it cannot stand there. */
export function decodeParameter(parameter: Parameter, bytes: Uint8Array, context: ParameterContext): Found | null {
  switch (parameter.as) {
    case 'text':
      return decodeTextParameter(parameter, bytes, context)
    case 'encoding':
    case 'size-of':
    case 'segment-number':
    case 'segment-count': {
      const { max: size } = parameterBytes(parameter)
      return bytes.length < size ? null : { size }
    }
    default:
      return decodeNumber(parameter, bytes)
  }
}

function decodeTextParameter(parameter: TextParameter, bytes: Uint8Array, context: ParameterContext): Found | null {
  const { terminator, escapes, isSevenBit, padWith, isEscapingTrails } = parameter
  let text = isSevenBit ? joinSevenBit(bytes) : bytes
  const end = text.length - terminator.length
  if (end < 0 || [...terminator].some((byte, i) => text[end + i] !== byte)) return null
  text = text.subarray(0, end)
  const encoding = parameter.encoding ?? context.encoding
  const isPaired = !isEscapingTrails && /^(gb|big5)/.test(encoding)
  const value = decodeText(Uint8Array.from(unescaped([...text], escapes, isPaired)), encoding)
  const pad = padWith ? decodeText(Uint8Array.from(padWith), encoding) : ''
  return { value: pad === '' ? value : trimmed(value, pad), size: bytes.length }
}

function trimmed(text: string, pad: string): string {
  let end = text.length
  while (end >= pad.length && text.slice(end - pad.length, end) === pad) end -= pad.length
  return text.slice(0, end)
}

function joinSevenBit(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: Math.floor(bytes.length / 2) }, (_, i) => bytes[2 * i]! | (bytes[2 * i + 1]! << 7))
}

/** Puts back what the escapes stand for; `isPaired`: the second byte of a double-byte character is no escape. */
function unescaped(bytes: number[], escapes: TextParameter['escapes'], isPaired: boolean): number[] {
  const plain: number[] = []
  for (let at = 0; at < bytes.length; ) {
    if (isPaired && bytes[at]! >= 0x80) {
      plain.push(...bytes.slice(at, at + 2))
      at += 2
      continue
    }
    const found = escapes.findIndex(stand => stand && [...stand].every((byte, i) => bytes[at + i] === byte))
    plain.push(found < 0 ? bytes[at]! : found)
    at += found < 0 ? 1 : escapes[found]!.length
  }
  return plain
}

function decodeNumber(parameter: NumberParameter, bytes: Uint8Array): Found | null {
  const { as, size, min, max, scale, blank } = parameter
  const digits = as === 'decimal' && size === 0 ? countDigits(bytes) : size
  const own = bytes.subarray(0, digits)
  if (digits === 0 || own.length < digits) return null
  if (blank !== null && own.every(byte => byte === blank)) return { size: digits }
  const wire = readNumber(parameter, own)
  if (wire === null) return null
  const value = Math.round((wire * scale.value) / scale.wire)
  // A scale may round the ends of the range a little beyond it.
  const slack = Math.ceil(scale.value / scale.wire) - 1
  return value >= min - slack && value <= max + slack
    ? { value: Math.min(max, Math.max(min, value)), size: digits }
    : null
}

function countDigits(bytes: Uint8Array): number {
  let digits = 0
  while (digits < 10 && digits < bytes.length && bytes[digits]! >= 0x30 && bytes[digits]! <= 0x39) digits++
  return digits
}

function readNumber({ as, isLittle }: Pick<NumberParameter, 'as' | 'isLittle'>, bytes: Uint8Array): number | null {
  switch (as) {
    case 'number':
      return numberOf(isLittle ? Uint8Array.from(bytes).reverse() : bytes)
    case 'digits':
      return positional(bytes, 10, byte => byte)
    case 'bcd':
      return positional(bytes, 100, byte => (byte >> 4 < 10 && (byte & 15) < 10 ? (byte >> 4) * 10 + (byte & 15) : 100))
    case 'seven-bit':
      return positional(Uint8Array.from(bytes).reverse(), 128, byte => byte)
    case 'decimal':
      return positional(bytes, 10, byte => (byte >= 0x30 ? byte - 0x30 : 10))
    default:
      return unreachable(as)
  }
}

function positional(bytes: Uint8Array, base: number, digitOf: (byte: number) => number): number | null {
  let value = 0
  for (const byte of bytes) {
    const digit = digitOf(byte)
    if (digit >= base) return null
    value = value * base + digit
  }
  return value
}
