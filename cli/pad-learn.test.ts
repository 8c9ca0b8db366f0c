import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterAll, expect, test } from 'vitest'
import { proveProfile } from '#agent/pad/prove-profile.ts'
import { addLearn } from './pad-learn.ts'
import { createTerminal, type Terminal } from './terminal.ts'

const dir = mkdtempSync(join(tmpdir(), 'pad-learn-'))
afterAll(() => rmSync(dir, { recursive: true }))

async function learn(...args: string[]) {
  const said: { value?: unknown; lines?: string; fault?: string } = {}
  const terminal: Terminal = {
    ...createTerminal({}),
    print: (_options, value, lines) => Object.assign(said, { value, lines: lines() }),
    fail: (_options, { code, detail }) => Object.assign(said, { fault: `${code}: ${detail}` }),
  }
  const program = new Command('pad')
  addLearn(program, terminal)
  await program.parseAsync(['learn', ...args], { from: 'user' })
  return said
}

/** Every face three times, two seconds apart, without marks. */
function traceOf(frame: (key: number) => string): string {
  const path = join(dir, 'heard.trace')
  const lines = Array.from({ length: 15 }, (_, i) => `${i * 2000} < ${frame(Math.floor(i / 3) + 1)}`)
  writeFileSync(path, `# recorded\n${lines.join('\n')}\n`)
  return path
}

test('a recorded trace becomes a folder that passes lint, and the table says which value is which face', async () => {
  const out = join(dir, 'acme-kp5')
  const said = await learn(
    '--from',
    traceOf(key => `AA 0${6 - key} 55`),
    '--out',
    out,
    '--baud',
    '19200',
    '--yes',
  )
  expect(said.fault).toBeUndefined()
  expect(said.lines).toContain('key 1  05  very-satisfied')
  expect(said.lines).toContain('the raw values fall')
  expect(proveProfile(out)).toMatchObject({ ok: true, value: { line: { baud: 19_200 }, evidence: 'learnt' } })
  expect(
    (
      await learn(
        '--from',
        traceOf(key => `AA 0${key} 55`),
        '--out',
        out,
        '--yes',
      )
    ).fault,
  ).toMatch(/^folder-exists/)
})

test('nothing is written without a yes, from noise, or under a name that no profile may have', async () => {
  const out = join(dir, 'other')
  expect(
    (
      await learn(
        '--from',
        traceOf(key => `AA 0${key} 55`),
        '--out',
        out,
      )
    ).fault,
  ).toMatch(/^not-confirmed/)
  const noise = traceOf(() =>
    Array.from({ length: 6 }, (_, i) => ((i * 89 + Math.random() * 200) & 0xff).toString(16).padStart(2, '0')).join(
      ' ',
    ),
  )
  expect((await learn('--from', noise, '--out', out, '--yes')).fault).toMatch(/^noise/)
  expect((await learn('--from', noise, '--out', join(dir, 'Bad Name'))).fault).toMatch(/^id-not-valid/)
  expect((await learn('--out', out)).fault).toMatch(/^option-missing/)
  expect(existsSync(out)).toBe(false)
})
