import { decode } from 'cborg'
import type Type from 'typebox'
import type { TSchema } from 'typebox'
import { createCheck, type SchemaCheck } from './check.ts'
import { isDeterministic } from './deterministic.ts'
import { encodeDeterministic } from './encode.ts'
import { fail, ok, type Result } from './result.ts'
import { describeErrors, oneLine } from './schema-errors.ts'

export { describeErrors }

/**
 * One wire form for everything: CBOR in core deterministic encoding (RFC 8949 section 4.2.1), checked
 * against a schema. A value has exactly one encoding, so a changed byte is another value or is refused.
 */
export interface WireForm<T> {
  /** Encodes a value. Throws when the value does not fit the schema: then the caller is wrong, not the world. */
  encode(value: T): Uint8Array
  /** Never throws, whatever the bytes. */
  decode(bytes: Uint8Array): Result<T, WireFault>
}

/** Why bytes were refused. `unknown-version`: readable, but of a version this program does not speak. */
export interface WireFault {
  code: 'not-decodable' | 'not-deterministic' | 'not-valid' | 'unknown-version'
  detail: string
}

const DECODE_OPTIONS = { strict: true, allowIndefinite: false, allowUndefined: false, rejectDuplicateMapKeys: true }

export function createWireForm<S extends TSchema>(name: string, schema: S): WireForm<Type.Static<S>> {
  return createCheckedForm(name, createCheck(schema))
}

/** The same for a schema that is ready to check with. */
export function createCheckedForm<T>(name: string, check: SchemaCheck<T>): WireForm<T> {
  return {
    encode(value) {
      if (!check.isValid(value)) throw new Error(`cannot encode ${name}: ${check.explain(value)}`)
      return encodeDeterministic(value)
    },
    decode(bytes) {
      let value: unknown
      try {
        value = decode(bytes, DECODE_OPTIONS)
      } catch (error) {
        // The library throws one kind of error for every cause, and a RangeError for nesting without end.
        return fail('not-decodable', `${name} is not CBOR: ${oneLine((error as Error).message, 120)}`)
      }
      if (!check.isValid(value)) return refuse(name, check, value)
      // Covers what strict decoding does not: key order, text that is not UTF-8, floats that are integers.
      if (!isDeterministic(bytes)) {
        return fail('not-deterministic', `${name} is valid but not in deterministic encoding`)
      }
      return ok(value)
    },
  }
}

function refuse(name: string, check: SchemaCheck<unknown>, value: unknown): Result<never, WireFault> {
  const known = check.version
  const version = typeof value === 'object' ? (value as { version?: unknown } | null)?.version : undefined
  if (known !== undefined && Number.isInteger(version) && version !== known) {
    return fail('unknown-version', `${name} has version ${version}, this program reads version ${known}`)
  }
  return fail('not-valid', `${name}: ${check.explain(value)}`)
}

export function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

/** The bytes of a hex text. Throws on anything else; text from outside goes through `parseHex`. */
export function fromHex(hex: string): Uint8Array {
  const bytes = parseHex(hex)
  if (!bytes) throw new Error(`not a hex text of whole bytes (${hex.length} characters)`)
  return bytes
}

/** The bytes of a hex text, either case; undefined when it is none. */
export function parseHex(hex: string): Uint8Array | undefined {
  return /^(?:[0-9a-f]{2})*$/i.test(hex) ? new Uint8Array(Buffer.from(hex, 'hex')) : undefined
}
