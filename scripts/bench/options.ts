import { parseArgs } from 'node:util'
import { fail, ok, type Result } from '#protocol/result.ts'
import type { Language } from '#runtime/language.ts'
import type { Measurement } from './measurement.ts'

export interface BenchOptions {
  rounds: number
  /** The measurements to run, and of which only these rows are shown. */
  chosen: { measurement: Measurement; rows: ReadonlySet<string> }[]
  isJson: boolean
  isHelp: boolean
}

const ROUNDS_MAX = 100

/** Reads the command line; every refusal says what is allowed. */
export function parseOptions(args: readonly string[], all: readonly Measurement[]): Result<BenchOptions> {
  let values: { json: boolean; rounds: string; only: string[]; help: boolean }
  try {
    values = parseArgs({
      args: [...args],
      options: {
        json: { type: 'boolean', default: false },
        rounds: { type: 'string', default: '5' },
        only: { type: 'string', multiple: true, default: [] },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (error) {
    return fail('bad-option', (error as Error).message)
  }
  const rounds = Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > ROUNDS_MAX) {
    return fail('bad-rounds', `--rounds ${values.rounds}: 1–${ROUNDS_MAX}`)
  }
  const names = all.flatMap(({ name, rows }) => [name, ...rows.map(row => row.name)])
  const unknown = values.only.find(name => !names.includes(name))
  if (unknown !== undefined) return fail('unknown-name', `--only ${unknown}: ${[...new Set(names)].join(', ')}`)
  return ok({ rounds, chosen: choose(all, values.only), isJson: values.json, isHelp: values.help })
}

function choose(all: readonly Measurement[], only: readonly string[]): BenchOptions['chosen'] {
  const isAsked = (name: string) => only.length === 0 || only.includes(name)
  return all
    .map(measurement => {
      const { name, rows } = measurement
      const names = rows.map(row => row.name).filter(row => isAsked(name) || isAsked(row))
      return { measurement, rows: new Set(names) }
    })
    .filter(({ rows }) => rows.size > 0)
}

/** What the bench does, how to use it and how to read it. */
export function helpText(all: readonly Measurement[], language: Language): string {
  const names = all.map(({ name, rows }) => `  ${name.padEnd(8)} ${rows.map(row => row.name).join(', ')}`).join('\n')
  return (language === 'zh' ? HELP_ZH : HELP_EN).replace('{names}', names)
}

const HELP_ZH = `npm run bench -- [--rounds N] [--only 名称]… [--json]

逐项测量本系统，每一项都与同一次运行里的参照交替进行（A B A B …），取各轮中位数。
绝对数只属于这台机器，可比的是比值；目标是比值的界限。整次约三分钟，两核即可。

  --rounds N    轮数，缺省 5
  --only 名称   只测这一组或这一行，可多次给出
  --json        只输出一个 JSON 数组：[{name, value, unit, reference, ratio, goal, ok}]
                比值 = value ÷ reference；没有目标时 goal 与 ok 为 null。
                npm 自己的两行用 npm run -s bench -- --json 去掉
  --help        本说明

组与行：
{names}

测到了就以 0 退出，无论是否达标；有一组测不成则以 1 退出并说明原因。
先运行 npm run build，盒子一侧测的才是构建后的单文件。临时文件在 var/ 下，结束即删，Ctrl-C 亦然。`

const HELP_EN = `npm run bench -- [--rounds N] [--only NAME]… [--json]

Measures the system part by part, each in turn with a reference of the same run (A B A B …); what is told
is the median of the rounds. Absolute figures belong to this machine alone: compare ratios. Goals are
bounds of ratios. A whole run takes about three minutes on two cores.

  --rounds N    how many rounds, 5 by default
  --only NAME   only this group or row; may be given several times
  --json        print one JSON array and nothing else: [{name, value, unit, reference, ratio, goal, ok}]
                ratio is value ÷ reference; goal and ok are null where no goal is set.
                npm run -s bench -- --json leaves out npm's own two lines
  --help        this

Groups and their rows:
{names}

Exits with 0 when everything was measured, whether goals are met or not; with 1 and the reason when a group
could not be measured. Run npm run build first, so that the box is measured as the one built file. Works in
var/ and leaves nothing there, not even on Ctrl-C.`
