import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, lstatSync, mkdtempSync, rmSync } from 'node:fs'
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
    profiles: expect.arrayContaining([{ id: 'generic-pj06', version: 1, hash: expect.any(String) }]),
  })
  expect((await run(['lint', 'no-such-pad'])).fault).toMatch(/^file-not-readable: .*no-such-pad/)
})

test('show explains a profile in the language of the reader', async () => {
  const zh = await run(['show', 'generic-pj06'], { LANG: 'zh_CN.UTF-8' })
  expect(zh.lines).toContain('线路：19200/9600 8N1')
  expect(zh.lines).toContain('05 very-dissatisfied')
  expect(zh.lines).toContain('ask  please-rate: 55 AA 02 20 00 1A (500ms)')
  const en = await run(['show', 'generic-rs485-four-key'])
  expect(en.lines).toContain('Address: 1 (0–254)')
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
