import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createPadCodec } from './codec.ts'
import { speaking } from './fixtures/profiles.ts'
import { effectiveProfile, loadProfile, parseProfile } from './load-profile.ts'
import type { SiteOverrides } from './site-schema.ts'

const PROFILES = new URL('../../device-profiles/', import.meta.url).pathname
const PJ06 = 'generic-pj06'
const FOUR_KEY = 'generic-rs485-four-key'

function problemsAfter(profile: string, from: string, to: string): string[] {
  const text = readFileSync(join(PROFILES, profile, 'profile.yaml'), 'utf8')
  expect(text).toContain(from)
  const origin = { path: 'profile.yaml', folder: profile, hash: '00' }
  const result = parseProfile(text.replace(from, to), origin)
  return result.ok ? [] : result.error.detail.split('\n')
}

function load(profile: string, overrides: SiteOverrides = {}) {
  return loadProfile(join(PROFILES, profile), overrides)
}

function loaded(profile: string, overrides: SiteOverrides = {}) {
  const result = load(profile, overrides)
  if (!result.ok) throw new Error(result.error.detail)
  return result.value
}

describe('a faulty profile is refused, with its place', () => {
  test.each([
    ['an unknown key', PJ06, 'baud: 19200', 'baud: 19200\n  speed: 3', /profile\.yaml:11:3 {2}line\.speed {2}is not/],
    [
      'bytes that YAML reads as a number',
      PJ06,
      'first: "01"',
      'first: 01',
      /frames\.key\.first {2}must be string, found 1/,
    ],
    [
      'bytes that are not hex',
      PJ06,
      'bytes: "55 AA"',
      'bytes: "55 GG"',
      /must be bytes in hex such as "FF 68", in quotes, found "55 GG"/,
    ],
    [
      'a grade that is none',
      PJ06,
      '"02": satisfied',
      '"02": great',
      /events\.key\.grades\.02 {2}must be one of: very-satisfied/,
    ],
    [
      'a grade on two keys',
      PJ06,
      '"02": satisfied',
      '"02": very-satisfied',
      /events\.key\.grades\.02 {2}very-satisfied is already the meaning of 01/,
    ],
    ['an unknown frame', PJ06, 'frame: key', 'frame: kye', /events\.key\.frame {2}is no frame: kye/],
    ['a frame of the other direction', PJ06, 'frame: key', 'frame: command', /must be a frame from-pad/],
    [
      'an unknown command in an intent',
      PJ06,
      'send: welcome',
      'send: hello',
      /:\d+:\d+ {2}intents\.thank\.0\.send {2}is no command: hello/,
    ],
    [
      'a parameter out of range',
      PJ06,
      'with: { levels: 5 }',
      'with: { levels: 6 }',
      /intents\.initialise\.1\.with\.levels {2}must be from 1 to 5, found 6/,
    ],
    ['an undeclared parameter', PJ06, '"{levels}"', '"{level}"', /uses a parameter that is not declared: level/],
    [
      'a template longer than the frame',
      PJ06,
      'data: "{seconds} 00"',
      'data: "{seconds} 00 00"',
      /must have 1 to 2 bytes, found 3/,
    ],
    [
      'a field that is left open',
      PJ06,
      'fields: { command: "1F", data: "00" }',
      'fields: { command: "1F" }',
      /does not say what is in data/,
    ],
    [
      'a frame longer than its length byte can say',
      PJ06,
      'restBytesMax: 2\n    layout:\n      - { name: head, is: constant, bytes: "55 AA" }\n      - { name: length, is: length, from: command, to: data }',
      'restBytesMax: 250\n    layout:\n      - { name: head, is: constant, bytes: "55 AA" }\n      - { name: more, is: value, size: 8 }\n      - { name: length, is: length, from: more, to: data }',
      /the longest frame does not fit its length: 260, at most 255/,
    ],
    [
      'a checksum over nothing known',
      FOUR_KEY,
      'from: address, to: data }\n      - { name: tail',
      'from: adress, to: data }\n      - { name: tail',
      /is no field: adress/,
    ],
    [
      'a rest that no length counts',
      FOUR_KEY,
      'is: length, from: address, to: data',
      'is: length, from: address, to: command',
      /needs a length field before it that counts it/,
    ],
    [
      'two events for the same bytes',
      FOUR_KEY,
      'match: { command: "01" }\n',
      'match: { command: "11" }\n',
      /events\.staff-key {2}matches frames that rating also matches/,
    ],
    [
      'an address without a field',
      PJ06,
      'site: [baud, echo, grades, timeouts]',
      'site: [baud]\naddress: { default: 1 }',
      /address {2}no frame has an address field/,
    ],
    ['a duration without unit', PJ06, 'silence: 50ms', 'silence: "50"', /behaviour\.silence/],
    [
      'an id that is not the folder',
      PJ06,
      'id: generic-pj06',
      'id: generic-pj07',
      /must be the name of the folder, generic-pj06; found generic-pj07/,
    ],
    ['an unknown format version', PJ06, 'format: 1', 'format: 2', /:2:\d+ {2}format/],
  ])('%s', (_what, profile, from, to, expected) => {
    const problems = problemsAfter(profile, from, to)
    expect(problems.join('\n')).toMatch(expected)
  })

  test('all problems come at once', () => {
    const problems = problemsAfter(PJ06, 'send: welcome', 'send: hello')
    const both = problemsAfter(PJ06, 'baud: 19200\n', 'baud: fast\n  speed: 3\n')
    expect(problems).toHaveLength(1)
    expect(both).toHaveLength(2)
  })

  test('a folder without a profile', () => {
    const result = load('no-such-pad')
    expect(!result.ok && result.error.code).toBe('file-not-readable')
  })
})

describe('a site may change what its profile lists, and nothing else', () => {
  const codeOf = (profile: string, overrides: SiteOverrides) => {
    const result = load(profile, overrides)
    return result.ok ? 'ok' : result.error.code
  }

  test.each<[string, string, SiteOverrides, string]>([
    ['another speed of the list', PJ06, { baud: 9600 }, 'ok'],
    ['a speed that is not listed', PJ06, { baud: 115_200 }, 'site-setting-not-valid'],
    ['an address on a line that has none', PJ06, { address: 3 }, 'site-setting-not-allowed'],
    ['a speed where the profile has only one', FOUR_KEY, { baud: 9600 }, 'site-setting-not-allowed'],
    ['an address', FOUR_KEY, { address: 7 }, 'ok'],
    ['an address above the range', FOUR_KEY, { address: 255 }, 'site-setting-not-valid'],
    ['the open key', FOUR_KEY, { grades: { '01': 'fairly-satisfied' } }, 'ok'],
    ['a grade that another key has', FOUR_KEY, { grades: { '01': 'satisfied' } }, 'site-setting-not-valid'],
    ['a key the pad does not have', FOUR_KEY, { grades: { '07': 'fairly-satisfied' } }, 'site-setting-not-valid'],
    ['a value of another kind', FOUR_KEY, { address: 'three' as unknown as number }, 'site-setting-not-valid'],
    ['shorter time for an answer', 'dwin-dgus2', { timeouts: { answer: '200ms' } }, 'ok'],
    ['a shorter name', 'tjc-nextion', { textBytes: { name: 8 } }, 'ok'],
    ['a name that does not fit its frame', 'tjc-nextion', { textBytes: { name: 400 } }, 'site-setting-not-valid'],
    ['a text the pad does not have', 'tjc-nextion', { textBytes: { motto: 8 } }, 'site-setting-not-valid'],
    ['an encoding the screen can have', 'dwin-dgus2', { encoding: 'utf-16be' }, 'ok'],
    ['an encoding it cannot have', 'dwin-dgus2', { encoding: 'utf-8' }, 'site-setting-not-valid'],
    ['a variant', 'dwin-dgus2', { variant: 'crc' }, 'ok'],
    ['a variant there is not', 'dwin-dgus2', { variant: 'crc32' }, 'site-setting-not-valid'],
    ['the grades of a board', 'arduino-firmata-five', { grades: { '01': 'unmapped' } }, 'ok'],
  ])('%s', (_what, profile, overrides, expected) => {
    expect(codeOf(profile, overrides)).toBe(expected)
  })

  test('the other order of faces turns the grades round', () => {
    const grades: SiteOverrides['grades'] = {
      '01': 'very-dissatisfied',
      '02': 'dissatisfied',
      '03': 'fairly-satisfied',
      '04': 'satisfied',
      '05': 'very-satisfied',
    }
    const codec = createPadCodec(loaded(PJ06, { grades }))
    const [output] = codec.receive(Uint8Array.of(1), true)
    expect(output).toMatchObject({ event: { kind: 'key', grade: 'very-dissatisfied' } })
  })

  test('the site settings reach the line and the address', () => {
    expect(loaded(PJ06, { baud: 9600 }).line.baud).toBe(9600)
    const [step] = createPadCodec(loaded(FOUR_KEY, { address: 7 })).command('thank')
    expect(step?.bytes[5]).toBe(7)
  })
})

test('what a site sets reaches the codec', () => {
  const tjc = loaded('tjc-nextion', {
    textBytes: { name: 4 },
    encoding: 'utf-8',
    timeouts: { answer: '1s', silence: '80ms' },
  })
  const [name] = createPadCodec(tjc).command('clerk', { name: '张三', number: '7' })
  expect(new TextDecoder().decode(name!.bytes.slice(0, -3))).toBe('t0.txt="张"')
  expect(name!.expects?.withinMs).toBe(1000)
  expect(tjc.behaviour.silenceMs).toBe(80)
})

test('what is in force, and where it differs from the file, can be shown', () => {
  const shown = effectiveProfile(join(PROFILES, 'dwin-dgus2'), { variant: 't5', baud: 9600 })
  if (!shown.ok) throw new Error(shown.error.detail)
  const paths = shown.value.changes.map(({ path }) => path.join('.'))
  expect(paths).toContain('commands.sound.fields.data')
  expect(paths).toContain('commands.sound.parameters.milliseconds')
  expect(paths).toContain('line.baud')
  expect(paths).not.toContain('commands.page.fields.data')
  expect(shown.value.file.commands['sound']?.fields['data']).toBe('{segment} 01 {volume} 00')
})

test('a loaded profile is plain data: kept as JSON and read again it is the same', () => {
  for (const [, profile] of speaking) expect(JSON.parse(JSON.stringify(profile))).toEqual(profile)
})

test('a profile is frozen to its depth and names its bytes by their SHA-256', () => {
  const profile = loaded(PJ06)
  expect(Object.isFrozen(profile.events[0]!.keys[0]!.bytes)).toBe(true)
  expect(() => Object.assign(profile.line, { baud: 1 })).toThrow(TypeError)
  expect(profile.hash).toMatch(/^[0-9a-f]{64}$/)
  expect(profile.hash).not.toBe(loaded(FOUR_KEY).hash)
})

test('a site that gives the keys other grades is another profile by its hash; another speed or address is not', () => {
  const { hash } = loaded(PJ06)
  const swapped = { '01': 'very-dissatisfied', '05': 'very-satisfied' } as const
  expect(loaded(PJ06, { grades: swapped }).hash).not.toBe(hash)
  expect(loaded(PJ06, { grades: { '01': 'very-satisfied' } }).hash).toBe(hash)
  expect(loaded(PJ06, { baud: 9600 }).hash).toBe(hash)
  expect(loaded(FOUR_KEY, { address: 7 }).hash).toBe(loaded(FOUR_KEY).hash)
  expect(loaded('dwin-dgus2', { variant: 'crc' }).hash).not.toBe(loaded('dwin-dgus2').hash)
})
