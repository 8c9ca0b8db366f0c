import Type from 'typebox'

const UNITS_MS = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A duration as people write it in a file: a whole number and its unit, "40ms", "30s", "5min", "12h", "90d". */
export function DurationSchema(options: { title: string; description?: string; default?: string }) {
  return Type.String({ ...options, pattern: '^[0-9]{1,8}(ms|s|min|h|d)$' })
}

/** Milliseconds of a text that fits `DurationSchema`. */
export function durationMs(text: string): number {
  const match = /^(\d+)(ms|s|min|h|d)$/.exec(text)
  if (!match) throw new Error(`not a duration: ${text}`)
  return Number(match[1]) * UNITS_MS[match[2] as keyof typeof UNITS_MS]
}
