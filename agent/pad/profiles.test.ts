import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { playGolden } from './golden.ts'
import { GOLDEN_FILE, loadProfile } from './load-profile.ts'
import { profileJsonSchema } from './profile-schema.ts'
import { proveProfile } from './prove-profile.ts'

const PROFILES = new URL('../../device-profiles/', import.meta.url).pathname
const folders = readdirSync(PROFILES, { withFileTypes: true }).filter(entry => entry.isDirectory())

function loaded(name: string) {
  const result = loadProfile(join(PROFILES, name))
  if (!result.ok) throw new Error(result.error.detail)
  return result.value
}

describe('every profile that is shipped', () => {
  test.each(folders)('$name is valid, keeps its golden frames and reads back what it writes', ({ name }) => {
    const proof = proveProfile(join(PROFILES, name))
    expect(proof.ok ? '' : proof.error.detail).toBe('')
  })

  test('differs from every other in more than its name', () => {
    const bodies = folders.map(({ name }) => {
      const text = readFileSync(join(PROFILES, name, 'profile.yaml'), 'utf8')
      return text.replace(/^(id|title|source):.*$/gm, '')
    })
    expect(new Set(bodies).size).toBe(folders.length)
  })

  test('the schema that editors use is the one we load with', () => {
    const checkedIn: unknown = JSON.parse(readFileSync(join(PROFILES, 'profile.schema.generated.json'), 'utf8'))
    expect(checkedIn).toEqual(profileJsonSchema())
  })
})

describe('the golden player notices', () => {
  const pj06 = () => loaded('generic-pj06')
  const golden = readFileSync(join(PROFILES, 'generic-pj06', GOLDEN_FILE), 'utf8')
  const change = (from: string, to: string) => {
    expect(golden).toContain(from)
    return playGolden(pj06(), golden.replace(from, to)).map(({ message }) => message)
  }

  test('another grade, with the line it stands in', () => {
    const [problem] = playGolden(pj06(), golden.replace('key satisfied', 'key dissatisfied'))
    const line = golden.split('\n').findIndex(text => text.includes('key satisfied')) + 1
    expect(problem).toEqual({ line, message: 'expected "key dissatisfied", found "key satisfied"' })
  })

  test('other bytes of a command', () => {
    expect(change('55 AA 03 13 5A 00 1A', '55 AA 03 13 5B 00 1A')).toHaveLength(1)
  })

  test('a key that no line shows', () => {
    expect(change('< 05 ', '# < 05 ')).toEqual(['no line shows key 5'])
  })

  test('a command that no line shows', () => {
    expect(playGolden(pj06(), golden.replaceAll(/^> .*20 00 1A.*$/gm, '')).map(({ message }) => message)).toContain(
      'no line shows command please-rate',
    )
  })

  test('bytes that are still pending', () => {
    const four = loaded('generic-rs485-four-key')
    expect(playGolden(four, '< FF 68   nothing   made up')[0]?.message).toContain('2 bytes are still pending')
  })
})
