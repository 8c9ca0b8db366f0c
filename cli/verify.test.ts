import { execFile } from 'node:child_process'
import { createPublicKey } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { shareFullStore } from '#collector/fixtures/full-store.ts'
import { tamper } from '#collector/fixtures/tamper.ts'
import { FAULT_CODES } from '#collector/verify/fault.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { FAULT_TEXTS, NOTE_TEXTS } from './verify-words.ts'

const run = promisify(execFile)
const MAIN = join(import.meta.dirname, 'main.ts')
const store = shareFullStore()

/** The program as people run it: what it says, and how it ends. */
async function chuangping(...args: string[]) {
  const env = { ...process.env, LANG: 'zh_CN.UTF-8' }
  try {
    const { stdout, stderr } = await run(process.execPath, [MAIN, ...args], { env })
    return { code: 0, stdout, stderr }
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string }
  }
}

/** A store with the collector's public key and its opening keys, as an auditor gets them. */
function handedOver(path = store().path) {
  const folder = temporaryFolder()
  const [copy, key, opening] = ['store.sqlite', 'collector.pem', 'opening'].map(name => join(folder, name)) as [
    string,
    string,
    string,
  ]
  const { signingKey, openingKey } = store().keys
  copyFileSync(path, copy)
  writeFileSync(key, createPublicKey(signingKey).export({ format: 'pem', type: 'spki' }))
  mkdirSync(opening)
  writeFileSync(join(opening, '1.key'), openingKey.export({ format: 'pem', type: 'pkcs8' }))
  return { copy, key, opening }
}

describe('verify', () => {
  test('says that nothing is wrong, and warns loudly of what it could not compare', async () => {
    const { copy, key, opening } = handedOver()
    const whole = await chuangping('verify', '--store', copy, '--key', key, '--opening-keys', opening, '--json')
    expect(whole).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(whole.stdout)).toMatchObject({ ok: true, faultCount: 0, notes: [], prompts: { open: 0 } })
    const sealed = await chuangping('verify', '--store', copy, '--key', key)
    expect(sealed.code).toBe(0)
    expect(sealed.stdout).toContain('! 未提供开封密钥')
    expect(sealed.stdout).toContain('✓ 没有发现问题')
  })

  test('names the row and ends with 1 when something is wrong, and shows nothing of what stands there', async () => {
    const bent = tamper(store().path, ({ raw }) => {
      raw.exec(`update ratings set grade = 'very-satisfied' where grade = 'dissatisfied'`)
      raw.exec(`update services set clerk = 'somebody' where case_number = 'A1'`)
    })
    const { copy, key, opening } = handedOver(bent)
    const { code, stdout } = await chuangping('verify', '--store', copy, '--key', key, '--opening-keys', opening)
    expect(code).toBe(1)
    expect(stdout).toMatch(/row-differs 一行与证据得出的不符\n {4}表 ratings · 行 \d+ · 列 grade/)
    expect(stdout).toMatch(/表 services · 行 \d+ · 列 clerk/)
    expect(stdout).not.toMatch(/satisfied|somebody|A1\b/)
  })

  test('ends with 2 when it cannot read, and says why', async () => {
    const { copy, key } = handedOver()
    writeFileSync(copy, 'not a store')
    for (const args of [
      ['--store', copy, '--key', key],
      ['--store', `${copy}.missing`, '--key', key],
      ['--store', copy],
      ['--evidence', copy],
      [],
    ]) {
      const { code, stdout } = await chuangping('verify', ...args, '--json')
      expect(code, args.join(' ')).toBe(2)
      expect(JSON.parse(stdout)).toMatchObject({ ok: false, code: expect.any(String) })
    }
  })
})

test('every fault and note has its words in both languages, and stands in the documentation', () => {
  const document = readFileSync(new URL('../docs/evidence.md', import.meta.url), 'utf8')
  expect(Object.keys(FAULT_TEXTS)).toEqual(expect.arrayContaining([...FAULT_CODES]))
  for (const code of FAULT_CODES) expect(document).toContain(`| \`${code}\` |`)
  for (const code of Object.keys(NOTE_TEXTS)) expect(document).toContain(`\`${code}\``)
  for (const { zh, en } of [...Object.values(FAULT_TEXTS), ...Object.values(NOTE_TEXTS)]) {
    expect(zh).toMatch(/\p{Script=Han}/u)
    expect(en).toMatch(/[a-z]/)
  }
})
