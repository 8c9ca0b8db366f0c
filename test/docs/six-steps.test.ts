import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { expect, onTestFinished, test } from 'vitest'
import { loadProfile } from '#agent/pad/load-profile.ts'
import { addPadCommands } from '#cli/pad.ts'
import { createTerminal, type Terminal } from '#cli/terminal.ts'
import { GRADES } from '#protocol/grades.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { createDeviceModel } from '#virtual-pad/device.ts'
import { openPtyLine } from '#virtual-pad/pty.ts'

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'pads.md'), 'utf8')
const [, chinese = '', english = ''] = page.split(/^## .*(?:六步|six steps).*$/m).map(part => part.split(/^## /m)[0]!)

/** A pad that is not in the repository: seven bytes with head, checksum and tail, and one command with a text. */
const PROFILE = `# yaml-language-server: $schema=../profile.schema.generated.json
format: 1
id: acme-k5
version: 1
title: { zh: 五键评价器, en: Five-key pad }
evidence: document
source: manual of the K5
line: { baud: 9600 }
text: { encoding: gbk }
frames:
  key:
    kind: fields
    direction: from-pad
    layout:
      - { name: head, is: constant, bytes: "A5 5A" }
      - { name: type, is: constant, bytes: "10" }
      - { name: key, is: value, size: 1 }
      - { name: spare, is: constant, bytes: "00" }
      - { name: sum, is: checksum, algorithm: xor8, from: type, to: spare }
      - { name: tail, is: constant, bytes: "0D" }
  command:
    kind: fields
    direction: to-pad
    restBytesMax: 40
    layout:
      - { name: head, is: constant, bytes: "A5 5A" }
      - { name: command, is: value, size: 1 }
      - { name: length, is: length, from: data, to: data }
      - { name: data, is: rest }
      - { name: sum, is: checksum, algorithm: xor8, from: command, to: data }
      - { name: tail, is: constant, bytes: "0D" }
events:
  key:
    frame: key
    meaning: { zh: 群众按键, en: a citizen pressed a key }
    gives: key
    value: { field: key }
    grades:
${GRADES.map((grade, i) => `      "0${i + 1}": ${grade}`).join('\n')}
commands:
  show-text:
    frame: command
    meaning: { zh: 显示文字, en: show a text }
    fields: { command: "20", data: "{text}" }
    parameters:
      text: { as: text, bytesMax: 40, meaning: { zh: 文字, en: text } }
health: { none: the manual has no query }
intents:
  ask: [{ send: show-text, with: { text: 请您评价 } }]
  thank: [{ send: show-text, with: { text: 谢谢 } }]
  idle: [{ send: show-text, with: { text: 您好 } }]
`

/** What a command of `pad` says, as a person reads it; `onPrint` sees the values while it runs. */
async function pad(args: string[], onPrint: (value: object) => void = () => {}) {
  const said: string[] = []
  const faults: string[] = []
  const terminal: Terminal = {
    ...createTerminal({ LANG: 'en' }),
    print(_options, value, lines) {
      said.push(lines())
      onPrint(value as object)
    },
    fail: (_options, { detail }) => void faults.push(...detail.split('\n')),
  }
  const program = new Command('chuangping')
  addPadCommands(program, terminal)
  await program.parseAsync(['pad', ...args], { from: 'user' })
  return { said: said.join('\n'), faults }
}

async function until(isSo: () => boolean) {
  while (!isSo()) await new Promise(setImmediate)
}

test('a pad that is not in the repository is added by the six steps', async () => {
  // 1 and 2: a folder, and the profile by the manual.
  const folder = join(temporaryFolder(), 'acme-k5')
  mkdirSync(folder)
  writeFileSync(join(folder, 'profile.yaml'), PROFILE)

  // 3 and 4: golden lines, one of the manual, the others as lint drafts them; then the grades in words.
  const golden = join(folder, 'golden.txt')
  writeFileSync(golden, '< A5 5A 10 01 00 11 0D   key very-satisfied   manual, page 3\n')
  const drafts = (await pad(['lint', folder])).faults.map(fault => fault.split('such a line is: ')[1])
  expect(drafts).toHaveLength(5)
  writeFileSync(golden, `${readFileSync(golden, 'utf8')}${drafts.join('\n')}\n`)
  const { said, faults } = await pad(['lint', folder])
  expect(faults).toEqual([])
  expect(said).toMatch(/01 +Very satisfied(.|\n)*05 +Very dissatisfied/)

  // 5: every key is pressed and recorded; the record is what the profile makes of it.
  const loaded = loadProfile(folder)
  if (!loaded.ok) throw new Error(loaded.error.detail)
  const line = openPtyLine({ onBytes() {} })
  if (!line.ok) throw new Error(line.error.detail)
  onTestFinished(line.value.unplug)
  const device = createDeviceModel(loaded.value)
  const { devicePath, write } = line.value
  function pressAll() {
    for (const { grade } of device.keys) {
      const pressed = device.press(grade, 0)
      for (const { bytes } of pressed.ok ? pressed.value : []) write(Uint8Array.from(bytes))
    }
  }
  const trace = join(folder, 'acme-k5.trace')
  const watched = await pad(['monitor', '--port', devicePath, '--profile', folder], value => {
    if ('listening' in value) pressAll()
    if ('meaning' in value && String(value.meaning).includes('very-dissatisfied')) process.emit('SIGTERM')
  })
  for (const grade of GRADES) expect(watched.said).toContain(`key ${grade}`)
  const before = process.listenerCount('SIGTERM')
  const recorded = pad(['record', '--port', devicePath, '--profile', folder, '--out', trace])
  // It can be ended once it listens, and it writes what it heard as it hears it.
  await until(() => process.listenerCount('SIGTERM') > before)
  pressAll()
  await until(() => readFileSync(trace, 'utf8').includes('very-dissatisfied'))
  process.emit('SIGTERM')
  await recorded
  const played = await pad(['test', folder, '--trace', trace])
  expect(played).toMatchObject({ faults: [], said: expect.stringContaining('5 of them presses') })

  // 6: what the table of pads says of it.
  expect(loaded.value.capabilities.levels).toBe(5)
})

test('every command that the six steps name exists, in both languages', () => {
  const program = new Command('chuangping')
  addPadCommands(program, createTerminal({}))
  const known = program.commands[0]!.commands.map(command => command.name())
  const named = (text: string) =>
    [...text.matchAll(/`(?:\.\/scripts\/chuangping )?pad ([a-z]+)/g)].map(([, name]) => name!)
  expect(new Set(named(english))).toEqual(new Set(named(chinese)))
  expect(named(english).length).toBeGreaterThanOrEqual(5)
  for (const name of named(english)) expect(known).toContain(name)
})
