import { Command } from 'commander'
import { createTerminal, type Terminal } from './terminal.ts'

const TITLES: Record<string, string> = {
  'Usage:': '用法：',
  'Options:': '选项：',
  'Arguments:': '参数：',
  'Commands:': '命令：',
}

/** The program `chuangping`: one subcommand per part, in the reader's language. */
export function createProgram(terminal: Terminal): Command {
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
  return program
}

if (import.meta.main) {
  const terminal = createTerminal(process.env)
  await createProgram(terminal).parseAsync()
}
