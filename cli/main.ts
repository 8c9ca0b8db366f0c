import { Command } from 'commander'
import type { Text } from '#runtime/language.ts'
import { createTerminal, type Terminal } from './terminal.ts'

/**
 * Every first word of `chuangping`, and where its commands are. A part is loaded only when its word is
 * given, so that a box never loads the collector and `prompt` answers at once.
 */
export const PARTS: readonly Part[] = [
  {
    words: {
      identities: { zh: '开发用证书与密钥', en: 'certificates and keys for development' },
    },
    load: async () => (await import('./identities.ts')).addIdentityCommands,
  },
  {
    words: { agent: { zh: '窗口盒子', en: 'the box at the window' } },
    load: async () => (await import('./agent.ts')).addAgentCommands,
  },
  {
    words: {
      prompt: { zh: '在本机窗口发起邀评', en: 'ask for a rating at this box' },
      pair: { zh: '让另一台电脑使用本盒子', en: 'let another computer use this box' },
    },
    load: async () => (await import('./prompt.ts')).addPromptCommands,
  },
]

interface Part {
  words: Readonly<Record<string, Text>>
  load(): Promise<(program: Command, terminal: Terminal) => void>
}

const TITLES: Record<string, string> = {
  'Usage:': '用法：',
  'Options:': '选项：',
  'Arguments:': '参数：',
  'Commands:': '命令：',
}

/** The program `chuangping`, in the reader's language, with the commands that `args` ask for loaded. */
export async function createProgram(terminal: Terminal, args: readonly string[]): Promise<Command> {
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
  const asked = PARTS.find(part => Object.hasOwn(part.words, word))
  if (asked) (await asked.load())(program, terminal)
  else for (const part of PARTS) addSummaries(program, part, terminal)
  return program
}

/** Enough of a part for the list of commands. */
function addSummaries(program: Command, part: Part, terminal: Terminal): void {
  for (const [word, summary] of Object.entries(part.words)) program.command(word).description(terminal.say(summary))
}

if (import.meta.main) {
  const args = process.argv.slice(2)
  const program = await createProgram(createTerminal(process.env), args)
  await program.parseAsync(args, { from: 'user' })
}
