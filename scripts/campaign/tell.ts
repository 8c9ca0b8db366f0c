import type { Language, Text } from '#runtime/language.ts'
import type { Failed, Tally } from './campaign.ts'
import { FAULTS } from './faults/all.ts'
import { TOOL_TEXTS, type Tool } from './machine.ts'
import type { CampaignOptions } from './options.ts'
import { OUTAGE_NAMES } from './peers/outages.ts'
import type { PeerRow } from './peers/run.ts'

/** The words of a campaign, for people and for programs. */

export const isClean = (tally: Tally) => tally.failed.length === 0 && tally.crashed === 0

/** One value, the promised counts first. */
export function jsonOf(tally: Tally, options: CampaignOptions, minutes: number): object {
  const { rounds, faults, thanked, lost, doubled, wrong, gaps, stuck } = tally
  return {
    ...{ rounds, faults, thanked, lost, doubled, wrong, gaps, stuck },
    crashed: tally.crashed,
    seed: options.seed,
    worlds: tally.worlds,
    sessions: tally.sessions,
    pressed: tally.pressed,
    arrived: tally.arrived,
    gaveUp: tally.gaveUp,
    renewed: tally.renewed,
    drainMs: { p50: quantile(tally.drainMs, 0.5), p99: quantile(tally.drainMs, 0.99), max: quantile(tally.drainMs, 1) },
    minutes: Math.round(minutes * 10) / 10,
    skipped: tally.skipped,
  }
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}

export function progressOf(tally: Tally, options: CampaignOptions, language: Language): string {
  const { rounds, worlds, thanked, lost, doubled, wrong, gaps, stuck } = tally
  const struck = Object.values(tally.faults).reduce((sum, times) => sum + times, 0)
  return language === 'zh'
    ? `第 ${rounds}/${options.rounds} 轮  世界 ${worlds}  故障 ${struck}  致谢 ${thanked}  丢 ${lost}  重 ${doubled}  错 ${wrong}  缺 ${gaps}  停 ${stuck}`
    : `round ${rounds}/${options.rounds}  worlds ${worlds}  faults ${struck}  thanked ${thanked}  lost ${lost}  doubled ${doubled}  wrong ${wrong}  gaps ${gaps}  stuck ${stuck}`
}

/** What cannot be done here, one line for each thing that is missing. */
export function skippedLines(skipped: Tally['skipped'], language: Language): string[] {
  return Object.entries(skipped).map(([tool, names]) => {
    const why = TOOL_TEXTS[tool as Tool][language]
    return language === 'zh' ? `⚠ 未做：${names.join('、')}：${why}` : `⚠ skipped: ${names.join(', ')}: ${why}`
  })
}

export function listLines(skipped: Tally['skipped'], language: Language): string[] {
  const missing = new Map(Object.entries(skipped).flatMap(([tool, names]) => names.map(name => [name, tool as Tool])))
  return FAULTS.map(({ name, title }) => {
    const tool = missing.get(name)
    return `${tool ? '–' : '✓'} ${name.padEnd(28)} ${title[language]}${tool ? `（${TOOL_TEXTS[tool][language]}）` : ''}`
  })
}

/** What is the matter with a world, and the one command that repeats it. */
export function failureLines({ seed, rounds, failures }: Failed, options: CampaignOptions, language: Language) {
  const where =
    language === 'zh' ? `✗ 种子 ${seed}，第 ${rounds} 轮；重现：` : `✗ seed ${seed}, round ${rounds}; again with:`
  return [where, `  ${commandFor(seed, rounds, options)}`, ...failures.map(line => `  ${line}`)]
}

export function crashLines(tally: Tally, options: CampaignOptions, language: Language): string[] {
  const crashes = new Map(tally.crashes.map(({ seed, detail }) => [detail, seed]))
  return [...crashes].flatMap(([detail, seed]) => {
    const where = commandFor(seed, options.life, options)
    return [say({ zh: `✗ 程序异常退出：${where}`, en: `✗ a program crashed: ${where}` }, language), `  ${detail}`]
  })
}

function commandFor(seed: number, rounds: number, { only, isBuilt }: CampaignOptions): string {
  const options = [...only.map(name => `--only ${name}`), ...(isBuilt ? ['--built'] : [])]
  return ['npm run campaign --', `--seed ${seed}`, `--rounds ${rounds}`, `--life ${rounds}`, ...options].join(' ')
}

export function summaryLines(tally: Tally, minutes: number, language: Language): string[] {
  const { drainMs, sessions, pressed, arrived, gaveUp, renewed } = tally
  const seconds = (share: number) => (quantile(drainMs, share) / 1000).toFixed(1)
  const faults = Object.entries(tally.faults).sort(([a], [b]) => order(a) - order(b))
  const rest =
    language === 'zh'
      ? `${minutes.toFixed(1)} 分钟；邀评 ${sessions}，按键 ${pressed}，到达 ${arrived}；故障停止后补齐：中位 ${seconds(0.5)} 秒，p99 ${seconds(0.99)} 秒，最长 ${seconds(1)} 秒（${drainMs.length} 次）；磁盘故障后重启 ${gaveUp}，新日志链 ${renewed}`
      : `${minutes.toFixed(1)} minutes; ${sessions} prompts, ${pressed} presses, ${arrived} arrived; drained after the faults stopped: median ${seconds(0.5)} s, p99 ${seconds(0.99)} s, longest ${seconds(1)} s (${drainMs.length} times); restarts after disk faults ${gaveUp}, new journals ${renewed}`
  return [rest, ...faults.map(([name, times]) => `  ${name.padEnd(28)} ${times}`)]
}

const order = (name: string) => FAULTS.findIndex(kind => kind.name === name)
const say = (text: Text, language: Language) => text[language]

/** What the outages did to each, as a table for a document. */
export function peerLines(rows: readonly PeerRow[]): string[] {
  const head = ['', ...OUTAGE_NAMES]
  const names = [...new Set(rows.map(({ name }) => name))]
  const cell = (name: string, outage: string) => {
    const row = rows.find(one => one.name === name && one.outage === outage)
    if (!row) return '–'
    const { thanked, lost, doubled, drainS } = row.outcome
    return `${thanked} thanked, **${lost}** lost, ${doubled} doubled, ${drainS} s`
  }
  const table = names.map(name => [name, ...OUTAGE_NAMES.map(outage => cell(name, outage))])
  return [head, head.map(() => '---'), ...table].map(cells => `| ${cells.join(' | ')} |`)
}
