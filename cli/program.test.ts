import { Command } from 'commander'
import { expect, test } from 'vitest'
import { PARTS } from './parts.ts'
import { createProgram } from './program.ts'
import { createTerminal } from './terminal.ts'

const terminal = createTerminal({ LANG: 'en_US.UTF-8' })

test('the list of commands shows exactly what each part brings, in the same words', async () => {
  const listed = (await createProgram(terminal, PARTS, [])).commands.map(command => [
    command.name(),
    command.description(),
  ])
  const brought = []
  for (const part of PARTS) {
    const program = new Command()
    const add = await part.load()
    add(program, terminal)
    brought.push(...program.commands.map(command => [command.name(), command.summary() || command.description()]))
  }
  expect(listed).toEqual(brought)
})

test('only the part that was asked for is loaded', async () => {
  const program = await createProgram(terminal, PARTS, ['--json', 'identities', 'show'])
  expect(program.commands.map(command => command.name())).toEqual(['identities'])
})

test('every command teaches in both languages', async () => {
  for (const [locale, title] of [
    ['zh_CN.UTF-8', '命令：'],
    ['en_US.UTF-8', 'Commands:'],
  ] as const) {
    for (const args of [[], ['identities']]) {
      const program = await createProgram(createTerminal({ LANG: locale }), PARTS, args)
      expect(program.helpInformation()).toContain(title)
    }
  }
})
