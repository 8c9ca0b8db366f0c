import type { Command } from 'commander'
import type { Evidence } from '#pad-tools/identify.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import { knownProfiles } from './pad-known.ts'
import { jsonOption, type Terminal } from './terminal.ts'
import { wholeNumber } from './whole-number.ts'

interface IdentifyOptions {
  port: string
  listen: number
  json?: boolean
}

/** `pad identify`: which known profile the pad on a port speaks. */
export function addIdentify(pad: Command, terminal: Terminal): void {
  const { say } = terminal
  pad
    .command('identify')
    .description(
      say({
        zh: '判断串口上的评价器是哪个已知型号：先听（期间请按键），再只发型号文件中声明无害的查询。\n示例：chuangping pad identify --port /dev/ttyUSB0',
        en: 'Tell which known profile the pad on a port speaks: listens first (press keys meanwhile), then sends only queries that profiles declare harmless.\nExample: chuangping pad identify --port /dev/ttyUSB0',
      }),
    )
    .requiredOption('--port <path>', say({ zh: '串口', en: 'serial port' }))
    .option(
      '--listen <ms>',
      say({ zh: '每种波特率听多少毫秒', en: 'how long to listen at each speed, in ms' }),
      wholeNumber(1, 600_000),
      3000,
    )
    .option(...jsonOption(terminal))
    .action((options: IdentifyOptions) => runIdentify(options, terminal))
}

async function runIdentify(options: IdentifyOptions, terminal: Terminal): Promise<void> {
  const { identify } = await import('#pad-tools/identify-live.ts')
  const { createPortOpener } = await import('#pad-tools/open-port.ts')
  const found = await identify({
    open: createPortOpener({ clock: createSystemClock(), path: options.port }),
    profiles: knownProfiles(),
    listenMs: options.listen,
    onListen(baud) {
      const text = terminal.say({ zh: `正在听 ${baud}：请按几个键`, en: `Listening at ${baud}: press some keys` })
      process.stderr.write(`${text}\n`)
    },
  })
  if (!found.ok) return terminal.fail(options, found.error)
  const [best] = found.value
  const profile = best && best.confidence !== 'none' ? best.profile : null
  terminal.print(options, { profile, confidence: best?.confidence ?? 'none', evidence: found.value }, () =>
    describe(found.value, terminal),
  )
}

const CONFIDENCE_WORDS: Record<Evidence['confidence'], { zh: string; en: string }> = {
  high: { zh: '把握大', en: 'sure' },
  medium: { zh: '较可能', en: 'likely' },
  low: { zh: '仅可能', en: 'possible' },
  none: { zh: '不符', en: 'no' },
}

function describe(evidences: readonly Evidence[], { say }: Terminal): string {
  const known = evidences.filter(({ confidence }) => confidence !== 'none')
  if (known.length === 0) {
    return say({
      zh: '没有已知型号与它相符。未知的评价器请用 chuangping pad learn 学习。',
      en: 'No known profile fits. Learn an unknown pad with chuangping pad learn.',
    })
  }
  return known
    .map(({ profile, baud, confidence, framesUnderstood, framesUnknown, garbageBytes, answered }) =>
      say({
        zh: `${profile}  ${baud}  ${CONFIDENCE_WORDS[confidence].zh}：认出 ${framesUnderstood} 帧，不认识 ${framesUnknown} 帧，杂字节 ${garbageBytes}${answered ? `，回答了 ${answered}` : ''}`,
        en: `${profile}  ${baud}  ${CONFIDENCE_WORDS[confidence].en}: ${framesUnderstood} frames understood, ${framesUnknown} unknown, ${garbageBytes} bytes of garbage${answered ? `, answered ${answered}` : ''}`,
      }),
    )
    .join('\n')
}
