import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeFileAtomic } from '#runtime/atomic-file.ts'

/** The files that are made from the sources and checked in, so that they can be read without running anything. */
interface Generated {
  file: string
  make(): Promise<string>
}

const GENERATED: readonly Generated[] = [
  { file: 'asyncapi.yaml', make: async () => (await import('./asyncapi.ts')).asyncapiYaml() },
  {
    file: 'device-profiles/profile.schema.generated.json',
    make: async () => json((await import('#agent/pad/profile-schema.ts')).profileJsonSchema()),
  },
  {
    file: 'collector/openapi.generated.json',
    make: async () => json(await (await import('#collector/api/openapi.ts')).collectorOpenapi()),
  },
  {
    file: 'agent/panel/openapi.generated.json',
    make: async () => json((await import('#agent/panel/openapi.ts')).panelOpenapi()),
  },
  { file: 'docs/pads.md', make: async () => (await import('./pads-table.ts')).padsDocument() },
]

const json = (value: object) => `${JSON.stringify(value, undefined, 2)}\n`

/** Writes every generated file that differs, or with `--check` only names those that do. */
if (import.meta.main) {
  process.chdir(join(import.meta.dirname, '..'))
  const isCheck = process.argv.includes('--check')
  for (const { file, make } of GENERATED) {
    const content = await make()
    if (existsSync(file) && readFileSync(file, 'utf8') === content) continue
    if (isCheck) {
      process.stdout.write(`${file} 不是最新，请运行 / is out of date, run: npm run generate\n`)
      process.exitCode = 1
    } else {
      writeFileAtomic(file, content)
      process.stdout.write(`▸ 已生成 / generated ${file}\n`)
    }
  }
}
