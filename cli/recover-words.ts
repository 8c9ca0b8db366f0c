import type { Card } from '#agent/journal/card.ts'
import { toHex } from '#protocol/codec.ts'
import type { Text } from '#runtime/language.ts'
import type { Terminal } from './terminal.ts'

/** What a card holds, as `--json` gives it: numbers and times, nothing of any case. */
export interface HeldByCard {
  box: string
  entries: number
  epochs: {
    /** Hex. */
    epoch: string
    from: 'journal' | 'salvaged' | 'set-aside'
    first: number
    last: number
    entries: number
    receiptedUpTo: number
    holes: { from: number; to: number }[]
    firstWallMs: number
    lastWallMs: number
  }[]
  unreadable: string[]
}

export function describeCard({ chains, unreadable }: Card, box: string): HeldByCard {
  return {
    box,
    entries: chains.reduce((sum, { entries }) => sum + entries, 0),
    epochs: chains.map(({ chain: _chain, epoch, receiptedSeq, ...rest }) => ({
      epoch: toHex(epoch),
      ...rest,
      receiptedUpTo: receiptedSeq,
    })),
    unreadable,
  }
}

const FROM: Record<HeldByCard['epochs'][number]['from'], Text> = {
  journal: { zh: '当前日志链', en: 'the journal in use' },
  salvaged: { zh: '此前损坏、已取回的日志链', en: 'salvaged from an earlier, damaged journal' },
  'set-aside': { zh: '已隔离、尚未取回的日志链', en: 'set aside as damaged' },
}

/** The same for people. */
export function sayCard(held: HeldByCard, { say, language }: Terminal): string {
  const day = (wallMs: number) =>
    new Intl.DateTimeFormat(language === 'zh' ? 'zh-CN' : 'en-GB', {
      dateStyle: 'short',
      timeStyle: 'short',
      timeZone: 'Asia/Shanghai',
    }).format(wallMs)
  const lines = [
    say({
      zh: `盒子 ${held.box}：${held.entries} 条，${held.epochs.length} 段日志链`,
      en: `Box ${held.box}: ${held.entries} entries in ${held.epochs.length} journals`,
    }),
  ]
  for (const one of held.epochs) {
    const missing = one.holes.reduce((sum, { from, to }) => sum + to - from + 1, 0)
    lines.push(
      say({
        zh: `  ${one.epoch.slice(0, 8)}…  第 ${one.first}–${one.last} 条，共 ${one.entries} 条；盒子已知回执到第 ${one.receiptedUpTo} 条；${day(one.firstWallMs)} 至 ${day(one.lastWallMs)}（盒子时钟）；${FROM[one.from].zh}`,
        en: `  ${one.epoch.slice(0, 8)}…  ${one.first}–${one.last}, ${one.entries} entries; receipted up to ${one.receiptedUpTo} as far as the box knew; ${day(one.firstWallMs)} to ${day(one.lastWallMs)} by its clock; ${FROM[one.from].en}`,
      }),
    )
    if (missing > 0) {
      lines.push(
        say({
          zh: `    损坏：其中 ${missing} 条已无法取回；其后的条目要等汇集中心确认缺号，约需十至二十分钟`,
          en: `    damaged: ${missing} of them are gone; what follows waits until the collector gives them up, ten to twenty minutes`,
        }),
      )
    }
  }
  for (const path of held.unreadable) {
    lines.push(say({ zh: `  ${path}：没有可以证明的条目`, en: `  ${path}: no entry in it can be proven` }))
  }
  return lines.join('\n')
}
