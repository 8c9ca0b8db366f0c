import { decode, encode, rfc8949EncodeOptions } from 'cborg'
import type Type from 'typebox'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { fail, ok, type Result } from './result.ts'

/**
 * One wire form for everything: CBOR in core deterministic encoding (RFC 8949 section 4.2.1), checked
 * against a schema. A value has exactly one encoding, so a changed byte is another value or is refused.
 */
export interface WireForm<T> {
  /** Encodes a value. Throws when the value does not fit the schema: then the caller is wrong, not the world. */
  encode(value: T): Uint8Array
  decode(bytes: Uint8Array): Result<T, { code: 'not-decodable' | 'not-deterministic' | 'not-valid'; detail: string }>
}

export function createWireForm<S extends TSchema>(name: string, schema: S): WireForm<Type.Static<S>> {
  const compiled = Compile(schema)
  return {
    encode(value) {
      if (!compiled.Check(value)) throw new Error(`cannot encode ${name}: ${describeErrors(compiled.Errors(value))}`)
      return encode(value, rfc8949EncodeOptions)
    },
    decode(bytes) {
      let value: unknown
      try {
        value = decode(bytes, { strict: true, allowUndefined: false, allowNaN: false, allowInfinity: false })
      } catch (error) {
        return fail('not-decodable', `${name} is not CBOR: ${(error as Error).message}`)
      }
      if (!compiled.Check(value)) return fail('not-valid', `${name}: ${describeErrors(compiled.Errors(value))}`)
      // Covers what strict decoding does not: key order, duplicate keys, floats that are integers.
      if (!isEqual(encode(value, rfc8949EncodeOptions), bytes)) {
        return fail('not-deterministic', `${name} is valid but not in deterministic encoding`)
      }
      return ok(value as Type.Static<S>)
    },
  }
}

/** The first few problems of a failed check as one sentence: path, and what is allowed. Never the value itself. */
export function describeErrors(errors: Iterable<{ instancePath: string; message: string; params: object }>): string {
  const lines = [...errors].slice(0, 5).map(error => {
    const { requiredProperties, additionalProperties } = error.params as Record<string, string[] | undefined>
    const names = requiredProperties ?? additionalProperties
    return `${error.instancePath || '/'} ${error.message}${names ? ` (${names.join(', ')})` : ''}`
  })
  return lines.join('; ')
}

export function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'))
}
