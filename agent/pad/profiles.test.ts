import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fixtureFolders, shipped, shippedFolders } from './fixtures/profiles.ts'
import { playGolden } from './golden.ts'
import { GOLDEN_FILE, loadProfile } from './load-profile.ts'
import { profileJsonSchema } from './profile-schema.ts'
import { proveProfile } from './prove-profile.ts'

const PROFILES = new URL('../../device-profiles/', import.meta.url).pathname
const folders = [...shippedFolders, ...fixtureFolders].map(folder => ({ name: basename(folder), folder }))

describe('every profile', () => {
  test.each(folders)('$name is valid, keeps its golden frames and reads back what it writes', ({ folder }) => {
    const proof = proveProfile(folder)
    expect(proof.ok ? '' : proof.error.detail).toBe('')
  })

  test('differs from every other in more than its name', () => {
    const bodies = folders.map(({ folder }) => {
      const text = readFileSync(join(folder, 'profile.yaml'), 'utf8')
      return text.replace(/^(id|title|source):.*$/gm, '')
    })
    expect(new Set(bodies).size).toBe(folders.length)
  })

  test.each(shippedFolders)('%s: a key held down is one press, however slowly it repeats itself', folder => {
    const { behaviour } = shipped(basename(folder))
    const everyMs = Math.max(behaviour.heldRepeatsMs ?? 0, behaviour.unansweredRepeats?.everyMs ?? 0)
    expect(behaviour.holdOffMs).toBeGreaterThan(everyMs)
  })

  test('the schema that editors use is the one we load with', () => {
    const checkedIn: unknown = JSON.parse(readFileSync(join(PROFILES, 'profile.schema.generated.json'), 'utf8'))
    expect(checkedIn).toEqual(profileJsonSchema())
  })
})

describe('the golden player notices', () => {
  const pj06 = () => shipped('generic-pj06')
  const golden = readFileSync(join(PROFILES, 'generic-pj06', GOLDEN_FILE), 'utf8')
  const change = (from: string, to: string) => {
    expect(golden).toContain(from)
    return playGolden(pj06(), golden.replace(from, to)).map(({ message }) => message)
  }

  test('another grade, with the line it stands in', () => {
    const [problem] = playGolden(pj06(), golden.replace('key satisfied', 'key dissatisfied'))
    const line = golden.split('\n').findIndex(text => text.includes('key satisfied')) + 1
    expect(problem).toEqual({ line, column: 42, message: 'expected "key dissatisfied", found "key satisfied"' })
  })

  test('other bytes of a command', () => {
    expect(change('55 AA 03 13 5A 00 1A', '55 AA 03 13 5B 00 1A')).toHaveLength(1)
  })

  test('a key that no line shows', () => {
    expect(change('< 05 ', '# < 05 ')).toEqual([
      'no line shows key 5; such a line is: < 05   key very-dissatisfied   source',
    ])
  })

  test('a command that no line shows', () => {
    expect(playGolden(pj06(), golden.replaceAll(/^> .*20 00 1A.*$/gm, '')).map(({ message }) => message)).toContain(
      'no line shows command please-rate; such a line is: > please-rate   55 AA 02 20 00 1A   source',
    )
  })

  test('bytes that are still pending', () => {
    const four = shipped('generic-rs485-four-key')
    expect(playGolden(four, '< FF 68   nothing   made up')[0]?.message).toContain('2 bytes are still pending')
  })

  test('a variant that no line shows, and one that is not there', () => {
    const folder = join(PROFILES, 'tjc-nextion')
    const text = readFileSync(join(folder, GOLDEN_FILE), 'utf8')
    const play = (changed: string) =>
      playGolden(shipped('tjc-nextion'), changed, overrides => loadProfile(folder, overrides)).map(
        ({ message }) => message,
      )
    expect(play(text)).toEqual([])
    expect(play(text.replace(/= variant silent[\s\S]*$/, ''))).toEqual([
      'no line shows variant silent in a line that begins with >',
      'no line shows variant silent in a line that begins with <',
    ])
    expect(play(text.replace('= variant silent', '= variant loud'))[0]).toMatch(/variant must be one of/)
  })

  test('an event that no line shows', () => {
    const dwin = readFileSync(join(PROFILES, 'dwin-dgus2', GOLDEN_FILE), 'utf8')
    const folder = join(PROFILES, 'dwin-dgus2')
    const changed = dwin.replace(/^.*status version 4116.*$/m, '')
    const found = playGolden(shipped('dwin-dgus2'), changed, overrides => loadProfile(folder, overrides))
    expect(found.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^no line shows event version; such a line is: < 5A A5 06 83 00 0F/),
    ])
  })

  test('another pattern of a board, and a key of it that no line shows', () => {
    const board = readFileSync(join(PROFILES, 'arduino-firmata-five', GOLDEN_FILE), 'utf8')
    const found = (text: string) => playGolden(shipped('arduino-firmata-five'), text).map(({ message }) => message)
    expect(found(board)).toEqual([])
    expect(found(board.replace('1800ms', '1900ms'))[0]).toMatch(/expected .*1900ms.*found .*1800ms/)
    expect(found(board.replace(/^< pins 6 .*$/m, ''))).toEqual([
      'no line shows pin 6; such a line is: < pins 6   keys very-dissatisfied   source',
    ])
  })
})
