import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import type { TSchema } from 'typebox'
import { expect, test } from 'vitest'
import type { SchemaCheck } from '#protocol/check.ts'
import { BUILT_AGENT } from '#scripts/program.ts'
import { valuesOf } from '#test/helpers/protocol-arbitraries.ts'

/**
 * A box runs checks that were written out when it was built; everything else runs the schemas they were made from.
 * Both must say the same of every value.
 */
type Known = SchemaCheck<unknown> & { schema: TSchema }

const load = createRequire(import.meta.url)
const folder = dirname(BUILT_AGENT)

function builtChecks(): [key: string, known: Known, written: SchemaCheck<unknown>][] {
  const { checks } = load(join(folder, 'explain.js')) as { checks: Map<string, Known> }
  const { checks: written } = load(join(folder, 'box.js')) as { checks: Record<string, SchemaCheck<unknown>> }
  return [...checks].map(([key, known]) => [key, known, written[key]!])
}

const STRANGE = [
  undefined,
  null,
  true,
  0,
  -1,
  1.5,
  Number.NaN,
  2 ** 53,
  10n,
  '',
  'a',
  'é\u200b',
  [],
  {},
  new Uint8Array(3),
]

/** A value with one thing about it changed, somewhere inside: replaced, left out, added, or made longer. */
function changed(value: unknown): fc.Arbitrary<unknown> {
  const places = placesOf(value)
  return fc
    .tuple(
      fc.constantFrom(...places),
      fc.constantFrom('replace', 'leave-out', 'add', 'lengthen'),
      fc.constantFrom(...STRANGE),
    )
    .map(([place, how, strange]) => changeAt(value, place, how, strange))
}

function placesOf(value: unknown, at: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [at]
  return [at, ...Object.entries(value).flatMap(([name, part]) => placesOf(part, [...at, name]))]
}

function changeAt(value: unknown, [name, ...rest]: string[], how: string, strange: unknown): unknown {
  if (name !== undefined) {
    const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string, unknown>
    if (rest.length === 0 && how === 'leave-out') delete copy[name]
    else copy[name] = changeAt(copy[name], rest, how, strange)
    return copy
  }
  const isPlain = typeof value === 'object' && value !== null && !(value instanceof Uint8Array)
  if (how === 'add' && isPlain) return Array.isArray(value) ? [...value, strange] : { ...value, strange }
  if (how === 'lengthen' && typeof value === 'string') return value.repeat(60)
  if (how === 'lengthen' && value instanceof Uint8Array) return new Uint8Array(value.length * 300)
  return strange
}

test.each(existsSync(join(folder, 'explain.js')) ? builtChecks() : [])(
  '%s: written out it accepts and refuses the same, for the same reason',
  (_, known, written) => {
    const values = valuesOf(known.schema).chain(value =>
      fc.oneof({ weight: 1, arbitrary: fc.constant(value) }, { weight: 3, arbitrary: changed(value) }),
    )
    const told = fc.property(values, value => {
      const isValid = known.isValid(value)
      expect(written.isValid(value)).toBe(isValid)
      if (!isValid) expect(written.explain(value)).toBe(known.explain(value))
    })
    fc.assert(told, { numRuns: 300 })
    expect(written.version).toBe(known.version)
  },
)

test('the box was built', context => {
  if (!existsSync(BUILT_AGENT)) context.skip('no built box: npm run build')
})
