import type Type from 'typebox'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { Errors } from 'typebox/value'
import { describeErrors } from './schema-errors.ts'

/**
 * A schema made ready to check values with. In the box's built file its place is taken by a check that was written
 * out from the same schema (scripts/box-build): no schema and no compiler is loaded there.
 */
export interface SchemaCheck<T> {
  isValid(value: unknown): value is T
  /** The version the schema asks for, where it asks for one. */
  readonly version: unknown
  /** What is wrong with a value that is not valid: places and what is allowed there, never what was found. Slow. */
  explain(value: unknown): string
}

export function createCheck<S extends TSchema>(schema: S): SchemaCheck<Type.Static<S>> {
  let compiled: ReturnType<typeof Compile> | undefined
  return {
    isValid(value): value is Type.Static<S> {
      compiled ??= Compile(schema as TSchema)
      return compiled.Check(value)
    },
    version: constOf(schema, 'version'),
    explain: value => explain(schema, value),
  }
}

/** Of a union told apart by `kind`, only the problems of the kind the value claims to be. */
function explain(schema: TSchema, value: unknown): string {
  const members = (schema as { anyOf?: TSchema[] }).anyOf
  if (!members || !isRecord(value)) return describeErrors(Errors(schema, value))
  const kinds = members.map(member => constOf(member, 'kind'))
  const claimed = members[kinds.indexOf(value['kind'])]
  return claimed ? describeErrors(Errors(claimed, value)) : `/kind must be one of: ${kinds.join(', ')}`
}

function constOf(schema: TSchema, name: string): unknown {
  const { properties } = schema as { properties?: Record<string, { const?: unknown }> }
  return properties?.[name]?.const
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
