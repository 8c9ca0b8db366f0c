import type { Text } from '#runtime/language.ts'
import type { ByteList } from './bytes.ts'

/** Bytes with holes: what a field of a command holds. */
export type Template = readonly (number | string)[]

/** A hole of a template, and how a value fills it. */
export interface Parameter {
  readonly name: string
  readonly as: 'number' | 'digits'
  readonly size: number
  readonly min: number
  readonly max: number
  readonly default: number | null
  readonly blank: number | null
  readonly meaning: Text
}

/** Reads "13 {seconds} 00": numbers are bytes, strings are the names of parameters. */
export function parseTemplate(text: string): Template {
  if (text === '') return []
  return text.split(' ').map(token => (token.startsWith('{') ? token.slice(1, -1) : Number.parseInt(token, 16)))
}

export function templateSize(
  template: Template,
  parameters: Readonly<Record<string, { readonly size: number }>>,
): number {
  return template.reduce<number>((sum, part) => sum + (typeof part === 'number' ? 1 : parameters[part]!.size), 0)
}

export type ParameterValues = Readonly<Record<string, number | string>>

/**
 * Fills a template. A value outside its range becomes the nearest one inside it: a pad that can count
 * to 255 seconds is better asked for 255 than not asked. A missing one is its default, else blank.
 */
export function fillTemplate(
  template: Template,
  parameters: Readonly<Record<string, Parameter>>,
  values: ParameterValues,
): ByteList {
  return template.flatMap(part =>
    typeof part === 'number' ? [part] : encodeParameter(parameters[part]!, values[part]),
  )
}

/** Reads the parameters back out of bytes; null when the bytes are not this template. A blank parameter is left out. */
export function matchTemplate(
  template: Template,
  parameters: Readonly<Record<string, Parameter>>,
  bytes: ByteList,
): Record<string, number> | null {
  const values: Record<string, number> = {}
  if (bytes.length !== templateSize(template, parameters)) return null
  let at = 0
  for (const part of template) {
    if (typeof part === 'number') {
      if (bytes[at++] !== part) return null
      continue
    }
    const parameter = parameters[part]!
    const value = decodeParameter(parameter, bytes.slice(at, at + parameter.size))
    at += parameter.size
    if (value === null) return null
    if (value !== 'blank') values[part] = value
  }
  return values
}

function encodeParameter(parameter: Parameter, given: number | string | undefined): number[] {
  const value = typeof given === 'number' ? given : parameter.default
  if (value === null) {
    if (parameter.blank === null) throw new Error(`parameter ${parameter.name} has no value, no default and no blank`)
    return new Array<number>(parameter.size).fill(parameter.blank)
  }
  const base = parameter.as === 'digits' ? 10 : 256
  let rest = Math.min(parameter.max, Math.max(parameter.min, Math.trunc(value)))
  const bytes: number[] = []
  for (let i = 0; i < parameter.size; i++) {
    bytes.unshift(rest % base)
    rest = Math.floor(rest / base)
  }
  return bytes
}

function decodeParameter(parameter: Parameter, bytes: ByteList): number | 'blank' | null {
  if (parameter.blank !== null && bytes.every(byte => byte === parameter.blank)) return 'blank'
  const base = parameter.as === 'digits' ? 10 : 256
  if (bytes.some(byte => byte >= base)) return null
  const value = bytes.reduce((sum, byte) => sum * base + byte, 0)
  return value >= parameter.min && value <= parameter.max ? value : null
}
