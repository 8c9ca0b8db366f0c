import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Command } from 'commander'
import { afterAll, expect, test } from 'vitest'
import { addPadCommands } from './pad.ts'
import { createTerminal, type Terminal } from './terminal.ts'

const dir = mkdtempSync(join(tmpdir(), 'pad-cli-'))
afterAll(() => rmSync(dir, { recursive: true }))

async function run(
  args: string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ value?: unknown; lines?: string; fault?: string }> {
  const said: { value?: unknown; lines?: string; fault?: string } = {}
  const terminal: Terminal = {
    ...createTerminal(env),
    print: (_options, value, lines) => Object.assign(said, { value, lines: lines() }),
    fail: (_options, { code, detail }) => Object.assign(said, { fault: `${code}: ${detail}` }),
  }
  const program = new Command('chuangping')
  addPadCommands(program, terminal)
  await program.parseAsync(['pad', ...args], { from: 'user' })
  return said
}

test('lint passes what is shipped and names what is wrong elsewhere', async () => {
  const all = await run(['lint'])
  expect(all.value).toMatchObject({
    ok: true,
    profiles: expect.arrayContaining([expect.objectContaining({ id: 'generic-pj06', hash: expect.any(String) })]),
  })
  expect(all.lines).toContain('05  Very dissatisfied (5 of 5, worst)')
  expect((await run(['lint', 'no-such-pad'])).fault).toMatch(/^profile-unknown: .*no-such-pad.*generic-pj06/)
})

test('show explains a profile in the language of the reader', async () => {
  const zh = await run(['show', 'generic-pj06'], { LANG: 'zh_CN.UTF-8' })
  expect(zh.lines).toContain('线路：19200/9600 8N1')
  expect(zh.lines).toContain('05  非常不满意（第 5 档，最差）')
  expect(zh.lines).toContain('ask  please-rate: 55 AA 02 20 00 1A (500ms)')
  const en = await run(['show', 'generic-rs485-four-key'])
  expect(en.lines).toContain('Address: 1 (0–254)')
})

test('show tells what a variant changes, and the whole that results', async () => {
  const crc = await run(['show', 'dwin-dgus2', '--variant', 'crc'])
  expect(crc.lines).toContain('5A A5 09 82 00 84 5A 01 00 02 8B CF')
  const { lines, value } = await run(['show', 'dwin-dgus2', '--variant', 't5', '--effective'])
  expect(lines).toContain('# commands.sound.fields.data: "00 {milliseconds}" → "{segment} 01 {volume} 00"')
  expect(lines).toMatch(/^ {6}data: "\{segment\} 01 \{volume\} 00"$/m)
  expect(value).toMatchObject({ file: { id: 'dwin-dgus2', capabilities: { voice: 'tracks' } } })
  expect((await run(['show', 'dwin-dgus2', '--variant', 't9'])).fault).toMatch(/variant must be one of crc/)
})

test('show puts the settings of a site in force, and says what cannot be set', async () => {
  const set = async (...args: string[]) => await run(['show', 'generic-rs485-four-key', ...args])
  expect((await set('--set', 'address=2')).lines).toContain('Address: 2 (0–254)')
  expect((await set('--set', 'grades.01=fairly-satisfied')).lines).toContain('01  Fairly satisfied (3 of 5)')
  expect((await set('--set', 'address=300')).fault).toMatch(/address must be from 0 to 254, found 300/)
  expect((await set('--set', 'adress')).fault).toMatch(/--set takes name=value/)
})

test('show explains a board by its pins and patterns', async () => {
  const { lines } = await run(['show', 'arduino-firmata-five'])
  expect(lines).toContain('thank  lamps 7 8 9 10 11 buzzer 200ms')
  expect(lines).toContain('Very satisfied (1 of 5, best)')
})

test('test plays golden frames and traces, and names what is not kept', async () => {
  expect((await run(['test'])).lines).toMatch(/^tjc-nextion {2}\d+ golden lines kept$/m)
  const trace = join(dir, 'pj06.trace')
  writeFileSync(trace, '# key 2\n10 < 02\n')
  expect((await run(['test', 'generic-pj06', '--trace', trace])).value).toMatchObject({
    ok: true,
    profiles: [{ id: 'generic-pj06', traces: [{ file: trace, frames: 1, presses: 1, garbageBytes: 0 }] }],
  })
  writeFileSync(trace, '# key 2\n10 < 04\n')
  expect((await run(['test', 'generic-pj06', '--trace', trace])).fault).toMatch(/^trace-not-kept: .*10 ms: face 2/)
  expect((await run(['test', '--trace', trace])).fault).toMatch(/^argument-missing/)
})

test('simulate refuses settings that cannot be', async () => {
  expect((await run(['simulate', 'generic-pj06', '--port', '70000'])).fault).toMatch(/port {2}must be <= 65535/)
  expect((await run(['simulate'])).fault).toMatch(/profile {2}is required/)
})

test.each(['SIGTERM', 'SIGINT'] as const)('simulate ends on %s and takes its link away', async signal => {
  const link = join(dir, signal)
  const script = `
    import { Command } from 'commander'
    import { addPadCommands } from '#cli/pad.ts'
    import { createTerminal } from '#cli/terminal.ts'
    const program = new Command()
    addPadCommands(program, createTerminal({}))
    await program.parseAsync(['pad', 'simulate', 'generic-pj06', '--port', '0', '--json', '--link', ${JSON.stringify(link)}], { from: 'user' })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  expect(JSON.parse(line)).toMatchObject({
    ready: true,
    devicePath: link,
    url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
  })
  expect(lstatSync(link).isSymbolicLink()).toBe(true)
  child.kill(signal)
  const [code] = (await once(child, 'exit')) as [number]
  expect(code).toBe(0)
  expect(existsSync(link)).toBe(false)
})
