import { parseArgs } from 'node:util'
import { fail, ok, type Result } from '#protocol/result.ts'
import type { Language } from '#runtime/language.ts'
import type { FaultKind } from './fault.ts'
import { PEER_NAMES, type PeerName } from './peers/names.ts'

export interface CampaignOptions {
  rounds: number
  seed: number
  /** Rounds of one world; then the next seed makes another. */
  life: number
  minutes: number
  jobs: number
  only: readonly string[]
  keep: string | undefined
  isBuilt: boolean
  isJson: boolean
  isList: boolean
  isHelp: boolean
  peers: readonly PeerName[]
}

const ROUNDS_MAX = 1_000_000
const MINUTES_MAX = 7 * 24 * 60
export const LIFE = 50

/** Reads the command line; every refusal says what is allowed. */
export function parseOptions(args: readonly string[], kinds: readonly FaultKind[]): Result<CampaignOptions> {
  let values: ReturnType<typeof read>
  try {
    values = read(args)
  } catch (error) {
    return fail('bad-option', (error as Error).message)
  }
  const numbers: Record<string, number> = {}
  for (const [name, min, max] of BOUNDS) {
    const value = Number(values[name])
    if (!Number.isInteger(value) || value < min || value > max) {
      return fail('bad-number', `--${name} ${values[name]}: ${min}–${max}`)
    }
    numbers[name] = value
  }
  const names = kinds.map(({ name }) => name)
  const only = names.filter(name => values.only.some(asked => name === asked || name.startsWith(`${asked}-`)))
  const unknown = values.only.find(asked => !names.some(name => name === asked || name.startsWith(`${asked}-`)))
  if (unknown !== undefined) return fail('unknown-fault', `--only ${unknown}: ${names.join(', ')}`)
  const isPeer = (name: PeerName) => values.peer.length === 0 || values.peer.some(asked => name.startsWith(asked))
  const peers = values.peers ? PEER_NAMES.filter(isPeer) : []
  const stranger = values.peer.find(asked => !PEER_NAMES.some(name => name.startsWith(asked)))
  if (stranger !== undefined) return fail('unknown-peer', `--peer ${stranger}: ${PEER_NAMES.join(', ')}`)
  const { rounds, seed, life, minutes, jobs } = numbers as Record<(typeof BOUNDS)[number][0], number>
  return ok({
    rounds,
    seed,
    life,
    minutes,
    jobs,
    only,
    keep: values.keep,
    isBuilt: values.built,
    isJson: values.json,
    isList: values.list,
    isHelp: values.help,
    peers,
  })
}

const BOUNDS = [
  ['rounds', 1, ROUNDS_MAX],
  ['seed', 0, 2 ** 31 - 1],
  ['life', 1, 10_000],
  ['minutes', 1, MINUTES_MAX],
  ['jobs', 1, 64],
] as const

function read(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '100' },
      seed: { type: 'string', default: '1' },
      life: { type: 'string', default: String(LIFE) },
      minutes: { type: 'string', default: String(MINUTES_MAX) },
      jobs: { type: 'string', default: '2' },
      only: { type: 'string', multiple: true, default: [] },
      keep: { type: 'string' },
      built: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      peers: { type: 'boolean', default: false },
      peer: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', short: 'h', default: false },
    },
  }).values
}

export const helpText = (language: Language) => (language === 'zh' ? HELP_ZH : HELP_EN)

const HELP_ZH = `npm run campaign -- [--rounds N] [--seed S] [--json] …

让真实的盒子、消息服务和汇集中心在随机故障中运行：按真实的（虚拟）评价器，同时施加多种故障，
每轮之后核对承诺，故障停止之后核对一切都已到达：致谢过的评价各到达一次、等级正确、邀评各有一个结果、没有缺口。

  --rounds N    总轮数，缺省 100
  --seed S      第一个世界的种子，缺省 1；种子决定故障、按键与时刻
  --life N      一个世界活多少轮，缺省 ${LIFE}；之后用下一个种子
  --minutes N   最多运行多少分钟
  --jobs N      同时运行几个世界，缺省 2
  --only 名称   只用这种故障（或同一前缀的几种，如 agent、link），可多次给出
  --built       盒子用构建后的单文件（先 npm run build）
  --keep 目录   保留各世界的数据与日志
  --list        列出所有故障，以及本机缺什么
  --peers       同样的故障用在别的方案上（Mosquitto 桥接、Node-RED + SQLite、六十行的普通程序，以及本系统）；
                --peer 名称 只测其中之一。Node-RED 届时装到临时目录
  --json        最后一行输出一个 JSON；npm run -s 去掉 npm 自己的两行
  --help        本说明

不能在本机施加的故障会列出并说明缺什么，不算作通过。失败时打印重现它的那一条命令。
退出码：0 全部做到，1 有承诺没有做到，2 命令有误。`

const HELP_EN = `npm run campaign -- [--rounds N] [--seed S] [--json] …

Runs the real box, a real broker and the real collector through random faults: presses real (virtual) pads,
strikes with several faults at once, checks the promises after every round, and after the faults have stopped
that everything has arrived: each rating thanked for, once, with the grade that was pressed; one outcome for
every prompt; no gap.

  --rounds N    rounds in all, 100 by default
  --seed S      seed of the first world, 1 by default; it decides faults, presses and moments
  --life N      rounds in the life of one world, ${LIFE} by default; then the next seed makes another
  --minutes N   no new round after so many minutes
  --jobs N      worlds at a time, 2 by default
  --only NAME   only this kind of fault, or all that begin so, as agent or link; may be given several times
  --built       the box runs from its one built file (npm run build first)
  --keep DIR    leaves stores and logs of every world there
  --list        lists every kind of fault, and what this machine lacks
  --peers       puts each way of doing it through the same outages instead: a Mosquitto bridge, Node-RED with
                SQLite, a plain sixty-line agent, and this; --peer NAME only one. Node-RED is fetched into a temporary folder
  --json        the last line is one JSON value; npm run -s leaves out npm's own two lines
  --help        this

What this machine cannot do is listed with what is missing, and does not count as passed. A failure prints the
one command that repeats it. Exit code: 0 every promise kept, 1 not, 2 bad command.`
