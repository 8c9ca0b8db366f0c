import type { Command } from 'commander'
import { createBoxClient } from './box-client.ts'
import { jsonOption, type Terminal } from './terminal.ts'

interface PromptOptions {
  service: string
  window?: string
  clerk?: string
  box: string
  wait?: boolean
  json?: boolean
}

interface PromptAnswer {
  id: string
  window: string
  state: 'waiting' | 'finished'
  outcome?: string
  reason?: string
}

const OUTCOME_WORDS: Record<string, { zh: string; en: string }> = {
  rated: { zh: '已评价', en: 'rated' },
  declined: { zh: '已拒评', en: 'declined' },
  'timed-out': { zh: '超时未评', en: 'timed out' },
  cancelled: { zh: '已取消', en: 'cancelled' },
  'pad-unavailable': { zh: '评价器不可用', en: 'pad not available' },
}

/** `prompt <case>` and `pair`: what is done at the box itself, with the network gone. */
export function addPromptCommands(program: Command, terminal: Terminal): void {
  const { say } = terminal
  const boxOption = [
    '--box <url>',
    say({ zh: '盒子本地地址', en: 'local address of the box' }),
    'http://127.0.0.1:8610',
  ] as const
  program
    .command('prompt')
    .argument('<case>', say({ zh: '办件编号', en: 'case number' }))
    .description(
      say({
        zh: '在本机窗口发起一次邀评。示例：chuangping prompt 370000202611240001 --service 1 --wait',
        en: 'Ask for a rating at this box. Example: chuangping prompt 370000202611240001 --service 1 --wait',
      }),
    )
    .option(
      '--service <n>',
      say({ zh: '服务编号（第几次服务）', en: 'service number (the nth service of the case)' }),
      '1',
    )
    .option('--window <id>', say({ zh: '窗口编号（多窗口时必填）', en: 'window id, where the box serves several' }))
    .option('--clerk <id>', say({ zh: '工作人员编号', en: 'clerk id' }))
    .option('--wait', say({ zh: '等到结束再返回', en: 'return when the prompt has ended' }))
    .option(...boxOption)
    .option(...jsonOption(terminal))
    .action((caseNumber: string, options: PromptOptions) => prompt(caseNumber, options, terminal))

  program
    .command('pair')
    .description(
      say({
        zh: '生成六位配对码，让大厅里另一台电脑使用本盒子',
        en: 'make a six-digit code that lets another computer of the hall use this box',
      }),
    )
    .option(...boxOption)
    .option(...jsonOption(terminal))
    .action(async (options: { box: string; json?: boolean }) => {
      const made = await createBoxClient(options.box, terminal.language).post('/v1/pairing-codes')
      if (!made.ok) return terminal.fail(options, made.error)
      const { code, validMs } = made.value as { code: string; validMs: number }
      terminal.print(options, made.value, () =>
        say({
          zh: `配对码 ${code}（${validMs / 60_000} 分钟内有效，只能用一次）`,
          en: `Pairing code ${code} (good once, for ${validMs / 60_000} minutes)`,
        }),
      )
    })
}

async function prompt(caseNumber: string, options: PromptOptions, terminal: Terminal): Promise<void> {
  const box = createBoxClient(options.box, terminal.language)
  const asked = await box.post('/v1/prompts', {
    for: { case: caseNumber, service: Number(options.service) },
    origin: 'command',
    ...(options.window && { window: options.window }),
    ...(options.clerk && { clerk: options.clerk }),
  })
  if (!asked.ok) return terminal.fail(options, asked.error)
  let answer = asked.value as PromptAnswer
  if (options.wait && answer.state === 'waiting') {
    const ended = await box.waitForEnd(answer.id)
    if (!ended.ok) return terminal.fail(options, ended.error)
    answer = ended.value as PromptAnswer
  }
  terminal.print(options, answer, () => describe(answer, terminal))
}

function describe({ window, state, outcome = '', reason }: PromptAnswer, { say }: Terminal): string {
  if (state === 'waiting')
    return say({ zh: `窗口 ${window}：等待评价`, en: `Window ${window}: waiting for the citizen` })
  const words = OUTCOME_WORDS[outcome]
  return say({
    zh: `窗口 ${window}：${words?.zh}${reason ? `（${reason}）` : ''}`,
    en: `Window ${window}: ${words?.en}${reason ? ` (${reason})` : ''}`,
  })
}
