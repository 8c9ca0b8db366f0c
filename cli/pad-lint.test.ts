import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterAll, describe, expect, test } from 'vitest'
import { addPadCommands } from './pad.ts'
import { createTerminal, type Terminal } from './terminal.ts'

const PROFILES = new URL('../device-profiles/', import.meta.url).pathname
const dir = mkdtempSync(join(tmpdir(), 'pad-lint-'))
afterAll(() => rmSync(dir, { recursive: true }))

const A = 'generic-rs485-four-key'
const B = 'generic-pj06'
const DWIN = 'dwin-dgus2'
const TJC = 'tjc-nextion'
const MODBUS = 'modbus-rtu-5-input'
const BOARD = 'arduino-firmata-five'

/** A file and pairs of texts: what stands there, and what is put in its place. */
type Change = [file: 'profile.yaml' | 'golden.txt', ...pairs: string[]]
let copies = 0

/** A copy of a real profile with faults in it, and what `pad lint` says of it: the lines without the folder. */
async function lintWith(profile: string, ...changes: Change[]): Promise<{ faults: string[]; lines: string }> {
  const folder = join(dir, `${++copies}`, profile)
  cpSync(join(PROFILES, profile), folder, { recursive: true })
  for (const change of changes) writeFileSync(join(folder, change[0]), changed(profile, change))
  const said = { faults: [] as string[], lines: '' }
  const terminal: Terminal = {
    ...createTerminal({}),
    print: (_options, _value, lines) => Object.assign(said, { lines: lines() }),
    fail: (_options, { detail }) => Object.assign(said, { faults: detail.replaceAll(`${folder}/`, '').split('\n') }),
  }
  const program = new Command('chuangping')
  addPadCommands(program, terminal)
  await program.parseAsync(['pad', 'lint', folder], { from: 'user' })
  return said
}

function changed(profile: string, [file, ...pairs]: Change): string {
  let text = readFileSync(join(PROFILES, profile, file), 'utf8')
  for (let i = 0; i < pairs.length; i += 2) {
    expect(text).toContain(pairs[i])
    text = text.replace(pairs[i]!, pairs[i + 1]!)
  }
  return text
}

/** Where a text begins in a changed file, as lint counts it: `file:line:column`; `profile.yaml …` is in the other file. */
function placeOf(profile: string, change: Change, found: string): string {
  const isOther = found.startsWith('profile.yaml ')
  const [file, wanted] = isOther ? ['profile.yaml', found.slice(13)] : [change[0], found]
  const text = isOther ? readFileSync(join(PROFILES, profile, file), 'utf8') : changed(profile, change)
  const at = text.indexOf(wanted)
  expect(at).toBeGreaterThan(0)
  const before = text.slice(0, at).split('\n')
  return `${file}:${before.length}:${before.at(-1)!.length + 1}`
}

/** What is planted, in which profile, where lint must point (the text that begins there) and what it must say. */
type Planted = [what: string, profile: string, change: Change, points: string, says: string]

const FAULTS: Record<string, Planted[]> = {
  schema: [
    [
      'a key that is misspelt',
      B,
      ['profile.yaml', '\nframes:\n', '\nfraems:\n'],
      'fraems:',
      'fraems  is not known here (did you mean frames?); allowed: format, id, version,',
    ],
    [
      'a key inside that is misspelt',
      B,
      ['profile.yaml', 'first: "01"', 'frist: "01"'],
      'frist:',
      'frames.key.frist  is not known here (did you mean first?); allowed: kind, direction, believed,',
    ],
    [
      'a name that cannot be one',
      B,
      ['profile.yaml', '  please-rate:\n', '  Please_Rate:\n'],
      'Please_Rate:',
      'commands.Please_Rate  is not known here; a name here must be of small letters, digits and single hyphens',
    ],
    [
      'a word that is none of the list',
      B,
      ['profile.yaml', 'gives: key', 'gives: kye'],
      'gives: kye',
      'events.key.gives  must be one of: key, keys, released,',
    ],
    [
      'a part that a variant cannot change',
      DWIN,
      [
        'profile.yaml',
        'changes:\n      capabilities: { voice: tracks }',
        'changes:\n      capabilites: { voice: tracks }',
      ],
      'capabilites:',
      'variants.t5.changes.capabilites  is not known here (did you mean capabilities?); allowed: line, port,',
    ],
  ],
  references: [
    [
      'a frame',
      B,
      ['profile.yaml', 'frame: key', 'frame: kye'],
      'kye',
      'events.key.frame  is no frame: kye (did you mean key?); there are key',
    ],
    [
      'a frame of the other direction',
      B,
      ['profile.yaml', 'frame: command\n    meaning: { zh: 请评价', 'frame: key\n    meaning: { zh: 请评价'],
      'key\n    meaning: { zh: 请评价',
      'commands.please-rate.frame  must be a frame to-pad, one of command; found key',
    ],
    [
      'a field',
      A,
      ['profile.yaml', 'of: length }', 'of: lenght }'],
      'lenght',
      'is no field: lenght (did you mean length?); there are head, length, length-again,',
    ],
    [
      'a field of an event',
      A,
      ['profile.yaml', 'value: { field: data }', 'value: { field: date }'],
      'date }',
      'events.rating.value.field  is no field with a value: date (did you mean data?); there are command, data',
    ],
    [
      'a parameter',
      B,
      ['profile.yaml', '"{levels}"', '"{level}"'],
      '"{level}"',
      'commands.set-levels.fields.data  uses a parameter that is not declared: level; declared: levels',
    ],
    [
      'a command of an intent',
      B,
      ['profile.yaml', 'ask:\n    - { send: please-rate', 'ask:\n    - { send: please-rat'],
      'please-rat,',
      'intents.ask.0.send  is no command: please-rat (did you mean please-rate?); there are set-timeout, set-levels,',
    ],
    [
      'a command of the health query',
      DWIN,
      ['profile.yaml', 'health: { send: read-version', 'health: { send: read-versoin'],
      'read-versoin',
      'health.send  is no command: read-versoin (did you mean read-version?); there are',
    ],
    [
      'an event that a command expects',
      MODBUS,
      ['profile.yaml', 'events: [inputs]', 'events: [input]'],
      'input]',
      'commands.read-inputs.expects.events.0  is no event: input (did you mean inputs?); there are inputs, exception',
    ],
    [
      'a pin of a board',
      BOARD,
      ['profile.yaml', 'lamps: [7, 8, 9, 10, 11]\n', 'lamps: [7, 8, 9, 10]\n'],
      '11] }\n    thank',
      'board.patterns.ask.steps.4.lamps.4  is no pin of a lamp: 11 (did you mean 10?); there are 7, 8, 9, 10',
    ],
    [
      'a pin that does two things',
      BOARD,
      ['profile.yaml', 'buzzer: 12', 'buzzer: 7'],
      '7\n',
      'board.buzzer  pin 7 is a lamp already; each pin does one thing',
    ],
  ],
  'unreachable or overlapping patterns': [
    [
      'two events that fit one frame',
      A,
      ['profile.yaml', 'match: { command: "01" }', 'match: { command: "11" }'],
      'frame: from-pad\n    meaning: { zh: 工作人员按键',
      'events.staff-key  matches frames that rating also matches',
    ],
    [
      'a bare byte that hides a frame',
      B,
      [
        'profile.yaml',
        'frames:\n',
        'frames:\n  more: { kind: fields, direction: from-pad, layout: [{ name: head, is: constant, bytes: "03" }] }\n',
      ],
      'kind: byte',
      'frames.key  hides more, which can begin with the same byte; key holds 01 to 06',
    ],
    [
      'a frame that another one is always whole before',
      DWIN,
      [
        'profile.yaml',
        'frames:\n',
        'frames:\n  short: { kind: fields, direction: from-pad, layout: [{ name: head, is: constant, bytes: "5A A5 06 83" }] }\n',
        'events:\n',
        'events:\n  short: { frame: short, meaning: { zh: 短, en: short }, gives: ignored }\n',
      ],
      'very-satisfied\n',
      'events.key.grades.00 01  5A A5 06 83 10 00 01 00 01 must come back as key very-satisfied; found ignored short | garbage 5',
    ],
    [
      'an event that nothing asks for',
      DWIN,
      ['profile.yaml', 'events: [current-page], within', 'events: [version], within'],
      'frame: variable\n    meaning: { zh: 当前页面',
      'events.current-page  can never come: no command expects it',
    ],
    [
      'a frame that nothing is made of',
      A,
      [
        'profile.yaml',
        '  to-pad:\n    kind',
        '  spare: { kind: fields, direction: from-pad, layout: [{ name: head, is: constant, bytes: "AA" }] }\n  to-pad:\n    kind',
      ],
      '{ kind: fields, direction: from-pad, layout: [{ name: head',
      'frames.spare  is used by nothing: no event',
    ],
  ],
  'every grade reachable exactly as declared': [
    [
      'a raw value that its frame cannot hold',
      B,
      ['profile.yaml', '"05": very-dissatisfied', '"07": very-dissatisfied'],
      'very-dissatisfied\n',
      'events.key.grades.07  can never be: the frame holds 01 to 06, found 07',
    ],
    [
      'a grade on two keys',
      B,
      ['profile.yaml', '"02": satisfied', '"02": very-satisfied'],
      'very-satisfied\n      "03"',
      'events.key.grades.02  very-satisfied is already the meaning of 01',
    ],
    [
      'another number of keys than was said',
      B,
      ['profile.yaml', '      "03": fairly-satisfied\n', ''],
      '5, screen: none',
      'capabilities.levels  must be the number of rating keys in the tables, 4; found 5',
    ],
    [
      'a raw value that its one digit cannot write',
      TJC,
      [
        'profile.yaml',
        'value: { field: component }\n    grades:',
        'value: { field: component, as: digits }\n    grades:',
        '"05": very-dissatisfied',
        '"0F": very-dissatisfied',
      ],
      'very-dissatisfied\n',
      'events.key.grades.0F  65 00 35 01 FF FF FF must come back as key very-dissatisfied; found key-unmapped 5',
    ],
    [
      'two bits for one key',
      MODBUS,
      ['profile.yaml', '"10": very-dissatisfied', '"18": very-dissatisfied'],
      'very-dissatisfied\n',
      'events.inputs.grades.18  must be one bit: 01, 02, 04, …; found 18',
    ],
    [
      'a key of a board that no table grades',
      BOARD,
      ['profile.yaml', '"6": "05"', '"6": "06"'],
      '"06"',
      'board.keys.6  is no raw value of the table grades: 06',
    ],
  ],
  'template lengths against framing': [
    [
      'a template longer than its frame',
      B,
      ['profile.yaml', 'data: "{seconds} 00"', 'data: "{seconds} 00 00"'],
      '"{seconds} 00 00"',
      'commands.set-timeout.fields.data  must have 1 to 2 bytes, found 3',
    ],
    [
      'a text longer than its frame',
      DWIN,
      ['profile.yaml', 'name: { as: text, bytesMax: 20', 'name: { as: text, bytesMax: 200'],
      '"{name}" }\n    parameters:\n      name: { as: text',
      'commands.clerk-name.fields.data  must have 1 to 120 bytes, found 2 to 202',
    ],
  ],
  'every command through the decoder of the profile itself': [
    [
      'two commands with the same bytes',
      B,
      ['profile.yaml', 'fields: { command: "20", data: "00" }', 'fields: { command: "1F", data: "00" }'],
      'frame: command\n    meaning: { zh: 请评价',
      'commands.please-rate  must come back as please-rate; found welcome: 55 AA 02 1F 00 1A',
    ],
  ],
  'golden coverage': [
    [
      'a key',
      B,
      ['golden.txt', '< 05 ', '# < 05 '],
      'profile.yaml very-dissatisfied\n',
      'events.key.grades.05  no line shows key 5; such a line is: < 05   key very-dissatisfied   source',
    ],
    [
      'a command',
      DWIN,
      ['golden.txt', '> touch ', '# > touch '],
      'profile.yaml frame: write\n    meaning: { zh: 启用',
      'commands.touch  no line shows command touch; such a line is: > touch page=',
    ],
    [
      'an event',
      DWIN,
      ['golden.txt', 'status version 4116', 'status version 4117'],
      'status version 4117',
      'expected "status version 4117',
    ],
    [
      'a line that says another grade',
      B,
      ['golden.txt', 'key satisfied', 'key dissatisfied'],
      'key dissatisfied',
      'expected "key dissatisfied", found "key satisfied"',
    ],
    [
      'a line of bytes that the profile does not write',
      A,
      ['golden.txt', '00 00 07 0A 0A 0A 2C 16', '00 00 07 0A 0A 0A 2D 16'],
      'FF 68 08 08 68 05 02 00 00 07 0A 0A 0A 2D 16',
      'expected "FF 68 08 08 68 05 02 00 00 07 0A 0A 0A 2D 16", found "FF 68 08 08 68 05 02 00 00 07 0A 0A 0A 2C 16"',
    ],
  ],
}

for (const [point, planted] of Object.entries(FAULTS)) {
  describe(`lint names, with its place, what is wrong: ${point}`, () => {
    test.each(planted)('%s', async (_what, profile, change, points, says) => {
      const { faults } = await lintWith(profile, change)
      const found = faults.find(line => line.includes(`  ${says}`))
      expect(found ?? faults.join('\n')).toContain(says)
      expect(found).toMatch(new RegExp(`^${placeOf(profile, change, points)} {2}`))
    })
  })
}

describe('the whole of a profile at once', () => {
  test('faults of every part come in one answer, in the order of the file', async () => {
    const { faults } = await lintWith(TJC, [
      'profile.yaml',
      'levels: 5',
      'levels: 4',
      'frame: started',
      'frame: startet',
      'health: { send: state',
      'health: { send: stat',
      'ask:\n    - { send: page',
      'ask:\n    - { send: pgae',
    ])
    const places = faults.map(line => Number(/^profile\.yaml:(\d+):\d+ {2}/.exec(line)?.[1]))
    expect(places).toEqual([...places].sort((a, b) => a - b))
    for (const part of ['capabilities.levels', 'events.restarting.frame', 'health.send', 'intents.ask.0.send']) {
      expect(faults.join('\n')).toContain(`  ${part}  `)
    }
  })

  test('every fault of the golden file and of the round trips comes in one answer', async () => {
    const { faults } = await lintWith(
      B,
      ['profile.yaml', 'fields: { command: "20", data: "00" }', 'fields: { command: "1F", data: "00" }'],
      ['golden.txt', 'key satisfied', 'key dissatisfied', '< 05 ', '# < 05 '],
    )
    const said = faults.join('\n')
    expect(said).toMatch(/^profile\.yaml:\d+:\d+ {2}commands\.please-rate {2}must come back as please-rate/m)
    expect(said).toMatch(/^profile\.yaml:\d+:\d+ {2}events\.key\.grades\.05 {2}no line shows key 5/m)
    expect(said).toMatch(/^golden\.txt:\d+:42 {2}expected "key dissatisfied", found "key satisfied"/m)
    expect(said.match(/^golden\.txt:\d+:42 {2}expected "55 AA 02 20 00 1A/gm)!.length).toBeGreaterThan(1)
  })

  test('without faults each raw value is said in words, so that a person sees which way the scale runs', async () => {
    const { faults, lines } = await lintWith(B)
    expect(faults).toEqual([])
    expect(lines).toContain('01  Very satisfied (1 of 5, best)')
    expect(lines).toContain('the raw values rise')
    const grades = ['very-satisfied', 'satisfied', 'fairly-satisfied', 'dissatisfied', 'very-dissatisfied']
    const turn = (separator: string) =>
      grades.flatMap((grade, i) => [`0${i + 1}${separator}${grade}\n`, `0${i + 1}${separator}#${grades[4 - i]}\n`])
    const unmark = grades.flatMap(grade => [`#${grade}`, grade])
    const turned = await lintWith(
      B,
      ['profile.yaml', ...turn('": '), ...unmark],
      ['golden.txt', ...grades.flatMap((grade, i) => [`key ${grade} `, `key #${grades[4 - i]} `]), ...unmark],
    )
    // Sound in itself: only a person who reads it can tell.
    expect(turned.lines).toContain('01  Very dissatisfied (5 of 5, worst)')
    expect(turned.lines).toContain('from the best face to the worst the raw values fall')
  })
})
