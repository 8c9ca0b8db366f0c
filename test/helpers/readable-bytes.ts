import { fromHex, toHex } from '#protocol/codec.ts'

/** A decoded message as JSON can hold it: byte strings in CBOR diagnostic notation, `h'00ff'` (RFC 8949 section 8). */
export function toReadable(value: unknown): unknown {
  if (value instanceof Uint8Array) return `h'${toHex(value)}'`
  return mapValues(value, toReadable)
}

/** The value again, as the codec takes it. */
export function fromReadable(value: unknown): unknown {
  const hex = typeof value === 'string' ? /^h'([0-9a-f]*)'$/.exec(value)?.[1] : undefined
  return hex === undefined ? mapValues(value, fromReadable) : fromHex(hex)
}

function mapValues(value: unknown, map: (value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(map)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, map(child)]))
}
