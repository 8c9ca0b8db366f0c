import { relative } from 'node:path'
import type { Plugin } from 'rolldown'
import { parseAst } from 'rolldown/parseAst'

/** A place in a source file where a schema is made ready to check with, and the name that place has in a build. */
export interface CheckCall {
  key: string
  /** The form's name as written, for `createWireForm`; undefined for `createCheck`. */
  form: string | undefined
  schema: string
}

/** What a build puts in the place of such a call, as source text, and what has to be imported for it. */
export interface Replacement {
  text: string
  imports: readonly string[]
}

interface Node {
  type: string
  start: number
  end: number
  [part: string]: unknown
}

interface Edit {
  start: number
  end: number
  text: string
}

/** The two functions themselves stand here. */
const DEFINED_IN = /^protocol\/(check|codec)\.ts$/

/**
 * Rewrites every `createCheck(schema)` and `createWireForm(name, schema)` of our sources. With `isPruned` what a
 * module makes at its top and nobody uses goes too, schemas first of all: by the rule of the house nothing else
 * happens at import, which a bundler cannot know.
 */
export function replaceChecks(root: string, replace: (call: CheckCall) => Replacement, isPruned: boolean): Plugin {
  return {
    name: 'replace-checks',
    transform: {
      filter: { id: /\.ts$/ },
      handler(code, id) {
        const file = relative(root, id)
        if (file.startsWith('..') || file.includes('node_modules')) return undefined
        const program = parseAst(code, { lang: 'ts' }) as unknown as Node
        const imports = new Set<string>()
        const edits = isPruned ? pureEdits(program) : []
        const calls = DEFINED_IN.test(file) ? [] : callsOf(program)
        for (const [i, call] of calls.entries()) {
          const replaced = replace({ ...describe(call, code), key: `${file}#${i}` })
          for (const line of replaced.imports) imports.add(line)
          edits.push({ start: call.start, end: call.end, text: replaced.text })
        }
        return edits.length > 0 ? `${[...imports].join('\n')}\n${apply(code, edits)}` : undefined
      },
    },
  }
}

function describe(call: Node, code: string): Omit<CheckCall, 'key'> {
  const [first, second] = (call['arguments'] as Node[]).map(({ start, end }) => code.slice(start, end))
  return second === undefined ? { form: undefined, schema: first! } : { form: first!, schema: second }
}

function callsOf(program: Node): Node[] {
  const found: Node[] = []
  visit(program, node => {
    const { name } = (node['callee'] ?? {}) as { name?: string }
    if (node.type === 'CallExpression' && (name === 'createCheck' || name === 'createWireForm')) found.push(node)
  })
  return found
}

function visit(value: unknown, see: (node: Node) => void): void {
  if (Array.isArray(value)) for (const each of value) visit(each, see)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return
  if (typeof (value as Node).type === 'string') see(value as Node)
  for (const part of Object.values(value)) visit(part, see)
}

/** Marks what the constants of a module's top are made by as free of side effects. */
function pureEdits(program: Node): Edit[] {
  const edits: Edit[] = []
  for (const statement of program['body'] as Node[]) {
    const declaration = (statement['declaration'] ?? statement) as Node
    if (declaration.type !== 'VariableDeclaration') continue
    for (const { init } of declaration['declarations'] as { init: Node | null }[]) {
      if (!init || /Function|Literal/.test(init.type)) continue
      edits.push({ start: init.start, end: init.start, text: '/* @__PURE__ */ (() => (' })
      edits.push({ start: init.end, end: init.end, text: '))()' })
    }
  }
  return edits
}

/** From the end to the beginning; what ends where another begins is inside it. */
function apply(code: string, edits: readonly Edit[]): string {
  const ordered = edits.map((edit, i) => ({ ...edit, i })).sort((a, b) => b.start - a.start || b.i - a.i)
  return ordered.reduce((text, { start, end, text: put }) => text.slice(0, start) + put + text.slice(end), code)
}
