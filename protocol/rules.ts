/**
 * What a schema has no words for. Each rule has a name and numbers for arguments, so that a check written out
 * when the box is built can name it; a plain function could not be written out.
 */
const RULES = {
  bytes: (min: number, max: number) => (value: unknown) =>
    value instanceof Uint8Array && value.length >= min && value.length <= max,
  /** No control, format (zero-width, direction), private-use or lone surrogate characters, and one line. */
  printable: () => (value: unknown) => !/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/u.test(value as string),
  /** No white space, and nothing that is drawn as nothing. */
  drawn: () => (value: unknown) => !/[\s\p{Default_Ignorable_Code_Point}\u2800]/u.test(value as string),
  'utf8-bytes-max': (max: number) => (value: unknown) => Buffer.byteLength(value as string) <= max,
  /** Line breaks and emoji pass; what has no UTF-8 or is eaten by readers (a leading byte order mark) does not. */
  'plain-text': () => (value: unknown) =>
    (value as string).isWellFormed() && !/[\ufeff\0-\x09\x0b-\x1f\x7f]/.test(value as string),
  'cancelled-with-reason': () => (value: unknown) => {
    const { outcome, reason } = value as { outcome: string; reason?: string }
    return outcome !== 'cancelled' || reason !== undefined
  },
} as const

export type RuleName = keyof typeof RULES
/** A rule with its arguments. */
export type RuleCall = readonly [name: RuleName, ...args: number[]]

/** The test that a refinement of a schema runs. */
export function rule(...call: RuleCall): ((value: unknown) => boolean) & { rule: RuleCall } {
  const [name, ...args] = call
  const make = RULES[name] as (...args: number[]) => (value: unknown) => boolean
  return Object.assign(make(...args), { rule: call })
}
