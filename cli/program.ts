import { Command } from 'commander'
import type { Text } from '#runtime/language.ts'
import { createTerminal, type Terminal } from './terminal.ts'

/** Commands that are loaded together, and the first words they are found by. */
export interface Part {
  words: Readonly<Record<string, Text>>
  load(): Promise<(program: Command, terminal: Terminal) => void>
}

const TITLES: Record<string, string> = {
  'Usage:': '用法：',
  'Options:': '选项：',
  'Arguments:': '参数：',
  'Commands:': '命令：',
}

/**
 * The program `chuangping`, in the reader's language. A part is loaded only when `args` begin with one of
 * its words, so that a box never loads the collector and `prompt` answers at once.
 */
export async function createProgram(
  terminal: Terminal,
  parts: readonly Part[],
  args: readonly string[],
): Promise<Command> {
  const program = new Command('chuangping')
    .description(
      terminal.say({
        zh: '窗评：窗口评价器与评价汇集中心。每个子命令都有 --help。',
        en: 'Chuangping: rating pads at service windows, and the collector behind them. Every subcommand has --help.',
      }),
    )
    .configureHelp({
      styleTitle: title => (terminal.language === 'zh' ? (TITLES[title] ?? title) : title),
      showGlobalOptions: false,
    })
    .helpOption('-h, --help', terminal.say({ zh: '显示帮助', en: 'show this help' }))
    .helpCommand(false)
    .showHelpAfterError(true)
  const word = args.find(arg => !arg.startsWith('-')) ?? ''
  const asked = parts.find(part => Object.hasOwn(part.words, word))
  if (asked) (await asked.load())(program, terminal)
  else for (const part of parts) addSummaries(program, part, terminal)
  return program
}

/** Enough of a part for the list of commands. */
function addSummaries(program: Command, part: Part, terminal: Terminal): void {
  for (const [word, summary] of Object.entries(part.words)) program.command(word).description(terminal.say(summary))
}

/** Runs the program with the arguments of this process. */
export async function runProgram(parts: readonly Part[]): Promise<void> {
  const args = process.argv.slice(2)
  const program = await createProgram(createTerminal(process.env), parts, args)
  await program.parseAsync(args, { from: 'user' })
}
