import Type from 'typebox'

const UNITS = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const

/** A size as people write it in a file: a whole number and its unit, "512KiB", "8MiB", "2GiB"; "0MiB" is none. */
export function SizeSchema(options: { title: string; description?: string; default?: string }) {
  return Type.String({ ...options, pattern: '^[0-9]{1,6}(KiB|MiB|GiB)$' })
}

/** Bytes of a text that fits `SizeSchema`. */
export function sizeBytes(text: string): number {
  const match = /^(\d+)(KiB|MiB|GiB)$/.exec(text)
  if (!match) throw new Error(`not a size: ${text}`)
  return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS]
}
