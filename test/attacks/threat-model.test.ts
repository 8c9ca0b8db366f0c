import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..', '..')
const document = readFileSync(join(ROOT, 'docs', 'threat-model.md'), 'utf8')

/** Every test the document names: a path, then names in typographic quotes on the same line, up to the next path. */
function namedTests(): { file: string; name: string }[] {
  return [...document.matchAll(/`([\w./-]+\.test\.ts)`([^`\n]*)/g)].flatMap(([, file, after]) =>
    [...after!.matchAll(/“([^”]+)”/g)].map(([, name]) => ({ file: file!, name: name! })),
  )
}

/** The names in a file as they stand there; a name made from a table is its pattern, or a value of the table. */
const literals = (file: string) => readFileSync(join(ROOT, file), 'utf8')

test('every test that the threat model names exists under that name', () => {
  const named = namedTests()
  expect(named.length).toBeGreaterThan(60)
  const missing = named.filter(
    ({ file, name }) =>
      !existsSync(join(ROOT, file)) || !["'", '"', '`'].some(q => literals(file).includes(q + name + q)),
  )
  expect(missing).toEqual([])
})

test('every attack that is tested stands in the threat model', () => {
  const own = readdirSync(import.meta.dirname).filter(name => name !== 'threat-model.test.ts')
  const tested = own.flatMap(file => testsIn(`test/attacks/${file}`).map(name => `test/attacks/${file} ${name}`))
  const named = new Set(namedTests().map(({ file, name }) => `${file} ${name}`))
  expect(tested.length).toBeGreaterThan(20)
  expect(tested.filter(one => !named.has(one))).toEqual([])
})

/** What `test` and `test.each` are called with, also where the table before the name takes several lines. */
function testsIn(file: string): string[] {
  return literals(file)
    .split('\n')
    .filter(line => !line.trimStart().startsWith('describe'))
    .flatMap(line => /\('(.+)', (?:async )?(?:\(.*\)|\w+) => \{$/.exec(line)?.[1] ?? [])
}

test('of everybody it says what they see, what they can do, which test proves it and what remains', () => {
  const people = document.split('\n## ')[2]!.split('\n### ').slice(1)
  expect(people).toHaveLength(9)
  for (const person of people) {
    for (const part of ['**Sees**', '**Can**', '.test.ts`', '**Remains**']) expect(person).toContain(part)
  }
})
