import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkLayering } from './layering.ts'

const dist = join(import.meta.dirname, '../dist')
let mirror: string
beforeAll(() => {
  mkdirSync(dist, { recursive: true })
  mirror = mkdtempSync(join(dist, 'layering-test-'))
})
afterAll(() => rmSync(mirror, { recursive: true, force: true }))

/** A small project that keeps every rule; each module imports what a real one would. */
const GOOD: Record<string, string> = {
  'protocol/grades.ts':
    "import Type from 'typebox'\nexport type Grade = 'satisfied'\nexport const schema = Type.String()",
  'runtime/logger.ts': "import '#protocol/grades.ts'\nimport { pino } from 'pino'",
  'agent/pad/framer.ts': "import type { Grade } from '#protocol/grades.ts'\nexport const grades: Grade[] = []",
  'agent/pad/load-profile.ts': "import 'node:fs'\nimport './framer.ts'",
  'agent/rating/session.ts': "import '#agent/pad/framer.ts'",
  'agent/journal/journal.ts': "import 'better-sqlite3'\nimport '#protocol/grades.ts'",
  'agent/port/line.ts': "import '@serialport/stream'\nimport '#agent/pad/framer.ts'",
  'agent/panel/page/main.ts': "import { createApp } from 'vue'\nimport './page.vue'",
  'agent/panel/page/page.vue': '<script setup lang="ts">\nconst n: number = 1\n</script>',
  'agent/main.ts': "import './journal/journal.ts'\nimport './port/line.ts'\nimport '#runtime/logger.ts'",
  'collector/main.ts': "import '#protocol/grades.ts'",
  'provisioning/authority.ts': "import '#protocol/grades.ts'\nimport '@peculiar/x509'",
  'virtual-pad/main.ts': "import '#agent/pad/framer.ts'",
  'cli/main.ts': "import '#agent/main.ts'\nimport '#collector/main.ts'\nimport '#provisioning/authority.ts'",
  'collector/fixtures/core.ts': "import '#provisioning/authority.ts'\nimport 'vitest'",
  'agent/uplink/uplink.test.ts': "import '#provisioning/authority.ts'\nimport 'vitest'",
}

/** One offender for each rule: the rule, the module and its text. */
const OFFENDERS = [
  ['protocol-sees-only-itself', 'protocol/sees-runtime.ts', "import '#runtime/logger.ts'"],
  ['protocol-is-pure', 'protocol/reads-files.ts', "import 'node:fs'"],
  ['runtime-sees-only-protocol', 'runtime/sees-agent.ts', "import '#agent/pad/framer.ts'"],
  ['sides-stay-apart', 'agent/sees-collector.test.ts', "import '#collector/main.ts'"],
  ['agent-sees-only-protocol-runtime', 'agent/sees-provisioning.ts', "import '#provisioning/authority.ts'"],
  ['collector-sees-only-protocol-runtime', 'collector/sees-cli.ts', "import '#cli/main.ts'"],
  ['provisioning-sees-only-protocol-runtime', 'provisioning/sees-agent.ts', "import '#agent/pad/framer.ts'"],
  ['virtual-pad-sees-only-protocol-runtime-agent-pad', 'virtual-pad/a.ts', "import '#agent/rating/session.ts'"],
  ['pad-tools-sees-only-protocol-runtime-agent-pad-agent-port', 'pad-tools/a.ts', "import '#agent/rating/session.ts'"],
  ['agent-edges-stay-apart', 'agent/port/sees-journal.ts', "import type { J } from '#agent/journal/journal.ts'"],
  ['agent-core-sees-no-edge', 'agent/rating/sees-journal.ts', "import '#agent/journal/journal.ts'"],
  ['agent-core-is-pure', 'agent/pad/reads-files.ts', "import 'node:fs'"],
  ['agent-core-is-pure', 'agent/rating/stores.ts', "import 'better-sqlite3'"],
  ['pages-run-in-a-browser', 'agent/panel/page/a.vue', '<script setup lang="ts">\nimport "node:fs"\n</script>'],
  ['no-cycles', 'protocol/chicken.ts', "import type { Egg } from './egg.ts'\nexport type Chicken = Egg"],
  ['no-cycles', 'protocol/egg.ts', "import type { Chicken } from './chicken.ts'\nexport type Egg = Chicken"],
  ['resolvable', 'protocol/lost.ts', "import './nowhere.ts'"],
  ['declared-packages-only', 'runtime/undeclared.ts', "import 'tslib'"],
  ['no-development-package-in-production', 'agent/develops.ts', "import 'fast-check'"],
] as const

const check = (files: Record<string, string>) => checkLayering(new Map(Object.entries(files)), mirror)

test('a project that keeps the rules passes', () => {
  expect(check(GOOD)).toMatchObject({ isClean: true })
})

test('every rule finds its offender, and only the offenders are found', () => {
  const { output } = check({ ...GOOD, ...Object.fromEntries(OFFENDERS.map(([, file, text]) => [file, text])) })
  const found = [...output.matchAll(/error ([a-z-]+): (\S+) →/g)].map(([, rule, file]) => `${rule} ${file}`)
  for (const [rule, file] of OFFENDERS.filter(([rule]) => rule !== 'no-cycles')) {
    expect(found).toContain(`${rule} ${file}`)
  }
  expect(found.some(line => line.startsWith('no-cycles protocol/'))).toBe(true)
  const offending = new Set<string>(OFFENDERS.map(([, file]) => file))
  expect(found.filter(line => !offending.has(line.split(' ')[1]!))).toEqual([])
})
