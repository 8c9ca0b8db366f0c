import type { ByteList } from './bytes.ts'
import { decodeParameter, encodeParameter, type Parameter, type ParameterContext, parameterBytes } from './parameter.ts'

/** Bytes with holes: what a field of a command holds. Strings are the names of parameters. */
export type Template = readonly (number | string)[]

const TOKEN = "([0-9A-Fa-f]{2}|\\{[a-z0-9-]+\\}|'[ -&(-~]+')"
export const TEMPLATE_PATTERN = `^(${TOKEN}( ${TOKEN})*)?$`

/** Reads "13 {seconds} 00 'page '": hex bytes, names of parameters, ASCII text. */
export function parseTemplate(text: string): Template {
  return Array.from(text.matchAll(/'([^']+)'|\{([^}]+)\}|([0-9A-Fa-f]{2})/g)).flatMap(
    ([, words, name, pair]): (number | string)[] => {
      if (words !== undefined) return Array.from(words, character => character.charCodeAt(0))
      return name === undefined ? [Number.parseInt(pair!, 16)] : [name]
    },
  )
}

export type Parameters = Readonly<Record<string, Parameter>>
export type ParameterValues = Readonly<Record<string, number | string>>

/** The fewest and most bytes that a template can become. */
export function templateSizes(template: Template, parameters: Parameters): { min: number; max: number } {
  return template.reduce<{ min: number; max: number }>(
    ({ min, max }, part) => {
      const bytes = typeof part === 'number' ? { min: 1, max: 1 } : parameterBytes(parameters[part]!)
      return { min: min + bytes.min, max: max + bytes.max }
    },
    { min: 0, max: 0 },
  )
}

/** Fills a template; a missing value is its default, else blank. */
export function fillTemplate(
  template: Template,
  parameters: Parameters,
  values: ParameterValues,
  context: ParameterContext,
): number[] {
  return template.flatMap(part =>
    typeof part === 'number' ? [part] : Array.from(encodeParameter(parameters[part]!, values[part], values, context)),
  )
}

/**
 * Reads the parameters back out of bytes; null when the bytes are not this template. A blank parameter is left
 * out. Of the parts that vary in size, numbers take their digits and a text what the others leave.
 */
export function matchTemplate(
  template: Template,
  parameters: Parameters,
  bytes: ByteList,
  context: ParameterContext,
): Record<string, number | string> | null {
  const values: Record<string, number | string> = {}
  const whole = Uint8Array.from(bytes)
  let at = 0
  for (const [i, part] of template.entries()) {
    if (typeof part === 'number') {
      if (whole[at++] !== part) return null
      continue
    }
    const behind = templateSizes(template.slice(i + 1), parameters).min
    const found = decodeParameter(parameters[part]!, whole.subarray(at, whole.length - behind), context)
    if (!found) return null
    if (found.value !== undefined) values[part] = found.value
    at += found.size
  }
  return at === whole.length ? values : null
}
