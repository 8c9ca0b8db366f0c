import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fixtureFolders, shippedFolders } from './fixtures/profiles.ts'
import { parseProfile } from './load-profile.ts'

const folderOf = (id: string) => [...shippedFolders, ...fixtureFolders].find(folder => folder.endsWith(`/${id}`))!

/** What is said of a profile when one place of it is changed: "path  message" without the position. */
function after(id: string, from: string, to: string): string[] {
  const text = readFileSync(join(folderOf(id), 'profile.yaml'), 'utf8')
  expect(text).toContain(from)
  const result = parseProfile(text.replace(from, to), { path: 'p', folder: id, hash: '00' })
  return result.ok ? [] : result.error.detail.split('\n').map(line => line.replace(/^p:\d+:\d+ {2}/, ''))
}

const FOUR_KEY = 'generic-rs485-four-key'

describe('frames that cannot be', () => {
  test.each<[string, string, string, string, string]>([
    [
      'a bare byte that hides another frame',
      'syn6288',
      'frames:\n',
      'frames:\n  more: { kind: fields, direction: from-pad, layout: [{ name: head, is: constant, bytes: "42" }] }\n',
      'frames.answer  hides more, which can begin with the same byte',
    ],
    [
      'a frame from the pad that nothing proves',
      'tjc-nextion',
      '        oneOf: "00 02 03 04 05 06 09 11 12 1A 1B 1C 1D 1E 1F 20 23"\n',
      '',
      'frames.failure.layout.0  a frame from the pad needs a constant head, a checksum or a tail',
    ],
    [
      'a part of another kind of frame',
      'ascii-line',
      'lineBytesMax: 60',
      'lineBytesMax: 60\n    tail: "0D"',
      'frames.line.tail  means nothing for a frame of kind line',
    ],
    [
      'a delimiter of printable text',
      'ascii-line',
      'end: 0A',
      'end: "41"',
      'frames.line.end  must be control bytes, such as "0D 0A"',
    ],
    [
      'a checksum over what comes behind it',
      FOUR_KEY,
      'algorithm: sum8, from: address, to: data',
      'algorithm: sum8, from: address, to: tail',
      'frames.from-pad.layout.7.to  must come before the checksum',
    ],
    [
      'a CRC without its parameters',
      FOUR_KEY,
      'algorithm: sum8',
      'algorithm: crc',
      'frames.from-pad.layout.7  algorithm crc and the part crc belong together',
    ],
    [
      'CRC parameters wider than the CRC',
      'stuffed-literal',
      'poly: "1021"',
      'poly: "11021"',
      'frames.from-pad.layout.2.crc.poly  does not fit 16 bits',
    ],
    [
      'stuffing that forgets its own escape',
      'stuffed-literal',
      'set: "10"',
      'set: "11"',
      'frames.from-pad.stuffing.set  must hold the escape byte 10 itself',
    ],
    [
      'a tail that may stand in the data',
      'stuffed-xor',
      'set: 7E 7D, xor: "20" }\n    layout:\n      - { name: head, is: constant, bytes: 7E }\n      - { name: kind',
      'set: 7D 7B, xor: "20" }\n    layout:\n      - { name: head, is: constant, bytes: 7E }\n      - { name: kind',
      'frames.from-pad.stuffing.set  must hold the first byte of the tail, or the tail can stand in the data',
    ],
    [
      'words that are no whole number',
      'little-words',
      '- { name: again, is: repeat, of: length }',
      '- { name: again, is: value, size: 1 }',
      'frames.from-pad.layout.1.unit  counts words, but an odd number of bytes besides the rest',
    ],
    [
      'a rest that nothing ends',
      'text-in-brackets',
      '- { name: tail, is: constant, bytes: "03" }',
      '- { name: tail, is: value, size: 1 }',
      'frames.outer.layout.1  needs a constant behind it that ends it',
    ],
    [
      'a table with a rest in the middle',
      'tjc-nextion',
      '"66": page',
      '"66": page/rest more',
      'frames.message.types.66  only the last field can be a rest',
    ],
  ])('%s', (_what, id, from, to, expected) => {
    expect(after(id, from, to).join('\n')).toContain(expected)
  })
})

describe('events that cannot be', () => {
  test.each<[string, string, string, string, string]>([
    [
      'two that fit one frame',
      'tjc-nextion',
      'match: { type: "65", page: "00", action: "00" }',
      'match: { type: "65", page: "00" }',
      'events.released  matches frames that key also matches',
    ],
    [
      'one that only looks different under its mask',
      'taxi-peripheral',
      'match: { device: "02", command: 00 20 }',
      'match: { device: "02", command: 00 01 }',
      'events.state  matches frames that key also matches',
    ],
    [
      'lines that overlap',
      'ascii-line',
      'line: B{decimal}:0',
      'line: "{any}"',
      'events.released  matches frames that pressed also matches',
    ],
    [
      'one that no command asks for',
      'dwin-dgus2',
      'expects: { events: [current-page], within: 500ms }',
      'expects: { events: [version], within: 500ms }',
      'events.current-page  can never come: no command expects it',
    ],
    [
      'a value its field can never have',
      'tjc-nextion',
      '"02": bad-component',
      '"0A": bad-component',
      'events.failure.codes.0A  can never be: 0A is none of the bytes of the field, 00 02 03',
    ],
    [
      'a raw value outside its byte',
      'generic-pj06',
      '"06": no-rating',
      '"07": no-rating',
      'events.key.grades.07  can never be: the frame holds 01 to 06',
    ],
    [
      'a bit map with two bits for one key',
      'modbus-rtu-5-input',
      '"10": very-dissatisfied',
      '"18": very-dissatisfied',
      'events.inputs.grades.18  must be one bit',
    ],
    [
      'a table event without its first byte',
      'tjc-nextion',
      'match: { type: "66" }',
      'match: { page: "00" }',
      'events.page  must match type, one of',
    ],
    [
      'another number of keys than was said',
      'dwin-dgus2',
      'capabilities: { levels: 5',
      'capabilities: { levels: 4',
      'capabilities.levels  must be the number of rating keys in the tables, 5; found 4',
    ],
    [
      'an answer that would move what stands behind it',
      FOUR_KEY,
      'answer: { replace: {} }',
      'answer: { replace: { data: "01" } }',
      'events.staff-key.answer.replace.data  must have the size of what it replaces: say it in sizes',
    ],
  ])('%s', (_what, id, from, to, expected) => {
    expect(after(id, from, to).join('\n')).toContain(expected)
  })
})

describe('commands that cannot be', () => {
  test.each<[string, string, string, string, string]>([
    [
      'a text without the rule for its second bytes',
      'tjc-nextion',
      '        escapesIn: characters\n',
      '',
      'commands.clerk-name.parameters.name  must say escapesIn: whether the second byte',
    ],
    [
      'a text longer than its frame',
      'dwin-dgus2',
      'name: { as: text, bytesMax: 20',
      'name: { as: text, bytesMax: 200',
      'commands.clerk-name.fields.data  must have 1 to 120 bytes, found 2 to 202',
    ],
    [
      'a number that does not fit its bytes once it is scaled',
      'dwin-dgus2',
      'max: 2000\n',
      'max: 3000\n',
      'commands.sound.parameters.milliseconds.max  does not fit 1 bytes: at most 255 on the line',
    ],
    [
      'an encoding without a code',
      'syn6288',
      'big5: "02", ',
      '',
      'commands.say.parameters.coding.codes  has no code for big5',
    ],
    [
      'an answer that is no event',
      'dwin-dgus2',
      'events: [written], within',
      'events: [writen], within',
      'commands.page.expects.events.0  is no event: writen',
    ],
    [
      'a poll that expects nothing',
      'modbus-rtu-5-input',
      'poll: { send: read-inputs',
      'poll: { send: read-all',
      'poll.send  is no command: read-all',
    ],
    [
      'a health query and a reason for none',
      'dwin-dgus2',
      'health: { send: read-version',
      'health: { none: silent, send: read-version',
      'health  needs either send or none',
    ],
    ['an output with keys', 'generic-pj06', 'format: 1', 'format: 1\nkind: output', 'events  an output has no keys'],
    [
      'a board that speaks in bytes',
      'arduino-firmata-five',
      'kind: board',
      'kind: pad',
      'board  means nothing for kind pad',
    ],
  ])('%s', (_what, id, from, to, expected) => {
    expect(after(id, from, to).join('\n')).toContain(expected)
  })
})

describe('a variant is checked like a profile of its own', () => {
  test.each<[string, string, string, string, string]>([
    [
      'what it breaks is told in its place',
      'dwin-dgus2',
      'changes:\n      events: { written: { gives: ignored } }',
      'changes:\n      events: { written: { frame: lost } }',
      'variants.unanswered.changes.events.written.frame  is no frame: lost',
    ],
    [
      'a name the schema does not know',
      'dwin-dgus2',
      'changes:\n      capabilities: { voice: tracks }',
      'changes:\n      capabilities: { loudness: 3 }',
      'variants.t5.changes.capabilities.loudness  is not known here',
    ],
    [
      'a change that changes nothing',
      'tjc-nextion',
      'capabilities: { voice: none }',
      'capabilities: { voice: tracks }',
      'variants.silent.changes.capabilities.voice  says what holds without it',
    ],
    [
      'a variant of itself',
      'little-words',
      'extends: summed',
      'extends: other-keys',
      'variants.other-keys.extends  leads back to itself',
    ],
    [
      'a variant that nobody can choose',
      'little-words',
      'site: [variant]\n',
      '',
      'variants  can never be chosen: site does not list variant',
    ],
  ])('%s', (_what, id, from, to, expected) => {
    expect(after(id, from, to).join('\n')).toContain(expected)
  })
})

test('all that is wrong comes at once, also where parts lean on others that are wrong', () => {
  const text = readFileSync(join(folderOf('tjc-nextion'), 'profile.yaml'), 'utf8')
    .replace('tail: "FF FF FF"\n    restBytesMin', 'restBytesMin')
    .replace('send: state, every', 'send: stat, every')
    .replace('frame: started', 'frame: startet')
  const result = parseProfile(text, { path: 'p', folder: 'tjc-nextion', hash: '00' })
  const detail = result.ok ? '' : result.error.detail
  for (const part of ['frames.message.types.70', 'events.restarting.frame', 'health.send'])
    expect(detail).toContain(part)
})
