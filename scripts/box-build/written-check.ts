import { Code } from 'typebox/compile'
import type { SchemaCheck } from '#protocol/check.ts'
import type { RuleCall } from '#protocol/rules.ts'

/** A check with the schema it was made from. */
export type KnownCheck = SchemaCheck<unknown> & { schema: Parameters<typeof Code>[0] }

/**
 * The source of a module that checks as this schema does, without the schema. It is what TypeBox itself runs when
 * it compiles the schema. What is wrong with a value is looked up in the part that still has the schemas.
 */
export function writtenCheck(key: string, { schema, version }: KnownCheck): string {
  const { Code: code, External } = Code(schema)
  const check = code
    .replace(/^let External = .*$/m, '')
    .replace(/^export function SetExternal.*$/m, '')
    .replace('export function Check(', 'function isValid(')
  return [
    "import { rule } from '#protocol/rules.ts'",
    check.replaceAll('External[', 'parts['),
    `const parts = [${External.variables.map(writtenPart).join(', ')}]`,
    'export default {',
    '  isValid,',
    `  version: ${JSON.stringify(version)},`,
    `  explain: value => require('./explain.js').explain(${JSON.stringify(key)}, value),`,
    '}',
  ].join('\n')
}

type Refinement = { check: { rule?: RuleCall } }

/** Patterns and rules are all a written check may lean on. */
function writtenPart(part: unknown): string {
  if (part instanceof RegExp) return String(part)
  if (Array.isArray(part)) return `[${part.map(writtenPart).join(', ')}]`
  const call = (part as Refinement | null)?.check?.rule
  if (!call) throw new Error('a refinement that is no rule of protocol/rules.ts cannot be written out')
  return `{ check: rule(${call.map(argument => JSON.stringify(argument)).join(', ')}) }`
}
