import fc from 'fast-check'
import type Type from 'typebox'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'

/** Values that fit a schema, its bounds more often than chance would have it. Covers what protocol/ uses of TypeBox. */
export function valuesOf<S extends TSchema>(schema: S): fc.Arbitrary<Type.Static<S>> {
  const compiled = Compile(schema)
  return arbitraryOf(schema).filter(value => compiled.Check(value)) as fc.Arbitrary<Type.Static<S>>
}

interface JsonSchema {
  type?: string
  const?: unknown
  enum?: unknown[]
  anyOf?: JsonSchema[]
  properties?: Record<string, JsonSchema>
  required?: string[]
  items?: JsonSchema
  pattern?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  minItems?: number
  maxItems?: number
  'x-bytes-min'?: number
  'x-bytes-max'?: number
}

function arbitraryOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum) return fc.constantFrom(...schema.enum)
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(arbitraryOf))
  if (schema['x-bytes-max'] !== undefined) {
    return fc.uint8Array({ minLength: schema['x-bytes-min']!, maxLength: schema['x-bytes-max'] })
  }
  switch (schema.type) {
    case 'boolean':
      return fc.boolean()
    case 'integer':
      return integers(schema.minimum!, schema.maximum!)
    case 'string':
      return schema.pattern ? fc.stringMatching(new RegExp(schema.pattern)) : texts(schema)
    case 'array':
      return fc.array(arbitraryOf(schema.items!), { minLength: schema.minItems ?? 0, maxLength: schema.maxItems! })
    case 'object':
      return objects(schema)
    default:
      throw new Error(`no generator for ${JSON.stringify(schema)}`)
  }
}

/** The bounds, both sides of every length a CBOR integer can have, and anything between. */
function integers(min: number, max: number): fc.Arbitrary<number> {
  const edges = [0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32].flatMap(edge => [edge, -edge - 1])
  const allowed = [min, max, ...edges.filter(edge => edge > min && edge < max)]
  return fc.oneof(
    fc.constantFrom(...allowed),
    fc.maxSafeInteger().map(n => Math.min(max, Math.max(min, n))),
  )
}

function texts({ minLength = 0, maxLength = 0 }: JsonSchema): fc.Arbitrary<string> {
  const unit = fc.constantFrom('a', 'Z', '0', '-', '.', ' ', '办', '件', 'é', '𠮷', '😀')
  return fc.string({ unit, minLength, maxLength, size: 'max' })
}

function objects({ properties = {}, required = [] }: JsonSchema): fc.Arbitrary<unknown> {
  const members = Object.entries(properties).map(([name, member]) => [name, arbitraryOf(member)] as const)
  return fc.record(Object.fromEntries(members), { requiredKeys: required, noNullPrototype: true })
}

/** What happens to bytes on the way or at rest: a bit flipped, a byte lost, added, moved, the end cut off, more behind. */
export function disturbed(bytes: Uint8Array): fc.Arbitrary<Uint8Array<ArrayBuffer>> {
  const at = fc.nat(Math.max(0, bytes.length - 1))
  const byte = fc.integer({ min: 0, max: 255 })
  return fc.oneof(
    fc.tuple(at, fc.nat(7)).map(([i, bit]) => spliced(bytes, i, 1, bytes[i]! ^ (1 << bit))),
    at.map(i => spliced(bytes, i, 1)),
    fc.tuple(at, byte).map(([i, added]) => spliced(bytes, i, 0, added)),
    fc.tuple(at, at).map(([i, j]) => spliced(spliced(bytes, i, 1, bytes[j]!), j, 1, bytes[i]!)),
    at.map(i => bytes.slice(0, i)),
    fc.uint8Array({ minLength: 1, maxLength: 8 }).map(more => Uint8Array.from([...bytes, ...more])),
  )
}

/** `bytes` with `drop` bytes at `at` replaced by `added`. */
export function spliced(bytes: Uint8Array, at: number, drop: number, ...added: number[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([...bytes.subarray(0, at), ...added, ...bytes.subarray(at + drop)])
}
