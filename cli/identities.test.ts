import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { PARTS } from './parts.ts'
import { createProgram } from './program.ts'
import { createTerminal } from './terminal.ts'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'identities-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** Runs `chuangping …` in this process; what it printed, and the exit code it set. */
async function chuangping(...args: string[]) {
  let printed = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation(text => {
    printed += text
    return true
  })
  try {
    const program = await createProgram(createTerminal({ LANG: 'en_US.UTF-8' }), PARTS, args)
    await program.parseAsync(args, { from: 'user' })
    return { printed, exitCode: process.exitCode }
  } finally {
    write.mockRestore()
    process.exitCode = undefined
  }
}

test('identities are created, then shown with name, fingerprint and validity, never with a key', async () => {
  const made = await chuangping('identities', 'create', '--dir', dir, '--box', 'box-1', 'box-2', '--json')
  expect(JSON.parse(made.printed)).toMatchObject({ ok: true, boxes: { 'box-1': join(dir, 'boxes/box-1') } })

  const { printed } = await chuangping('identities', 'show', '--dir', dir, '--json')
  const { certificates } = JSON.parse(printed)
  expect(certificates).toContainEqual({
    file: 'boxes/box-2/box.crt',
    subject: 'CN=box-2',
    fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    validFrom: expect.stringMatching(/^\d{4}-/),
    validTo: expect.stringMatching(/^\d{4}-/),
  })
  const inWords = await chuangping('identities', 'show', '--dir', dir)
  for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.key'))) {
    const secret = readFileSync(join(dir, name), 'utf8').split('\n')[1]!
    expect(made.printed + printed + inWords.printed).not.toContain(secret)
  }
})

test('rotate-opening says which key is new, how many are kept and which boxes must restart, and prints no key', async () => {
  const own = mkdtempSync(join(dir, 'rotated-'))
  await chuangping('identities', 'create', '--dir', own, '--box', 'box-1', 'box-2', '--json')
  const { printed } = await chuangping('identities', 'rotate-opening', '--dir', own, '--json')
  const { key, retired, boxes } = JSON.parse(printed)
  expect(boxes).toEqual(['box-1', 'box-2'])
  expect(readdirSync(join(own, 'collector/opening')).sort()).toEqual([`${key}.key`, `${retired}.key`].sort())
  const inWords = await chuangping('identities', 'rotate-opening', '--dir', own)
  expect(inWords.printed).toContain('2 old kept')
  expect(printed + inWords.printed).not.toContain('PRIVATE')
  const refused = await chuangping('identities', 'rotate-opening', '--dir', join(dir, 'nowhere'), '--json')
  expect(refused.exitCode).toBe(1)
  expect(JSON.parse(refused.printed)).toMatchObject({ ok: false, code: 'no-identities' })
})

test('a box that may not be called so is refused with exit code 1 and a reason', async () => {
  const refused = await chuangping('identities', 'create', '--dir', dir, '--box', 'collector', '--json')
  expect(refused.exitCode).toBe(1)
  expect(JSON.parse(refused.printed)).toMatchObject({ ok: false, code: 'bad-box-id' })
})

test('a folder that is not there and a file that is no certificate are named with exit code 1', async () => {
  const broken = join(dir, 'broken')
  mkdirSync(broken)
  writeFileSync(join(broken, 'box.crt'), 'nothing')
  for (const [folder, named] of [
    [join(dir, 'nowhere'), 'nowhere'],
    [broken, 'broken/box.crt'],
  ] as const) {
    const refused = await chuangping('identities', 'show', '--dir', folder, '--json')
    expect(refused.exitCode).toBe(1)
    expect(JSON.parse(refused.printed)).toMatchObject({ code: 'not-readable', detail: expect.stringContaining(named) })
  }
})
