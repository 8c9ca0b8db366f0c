import type { Text } from '#runtime/language.ts'
import type { Repeats } from './draft-profile.ts'
import type { FoundFrame } from './find-frames.ts'

export interface FoundRepeats extends Repeats {
  readonly fact: Text
  readonly doubt: Text | null
}

/** Repeats closer than this are one delivery in pieces, farther apart another press. */
const EVERY_MS_MIN = 20
const EVERY_MS_MAX = 5000

/** Whether presses are sent more than once; always as often is what a pad does that waits for an answer. */
export function findRepeats(pressed: readonly FoundFrame[], presses: number): FoundRepeats | null {
  const times: number[] = []
  const gapsMs: number[] = []
  for (let press = 0; press < presses; press++) {
    const own = pressed.filter(frame => frame.press === press)
    if (own.length === 0) continue
    times.push(own.length)
    gapsMs.push(...own.slice(1).map(({ atMs }, i) => atMs - own[i]!.atMs))
  }
  const usable = gapsMs.filter(gapMs => gapMs >= EVERY_MS_MIN && gapMs <= EVERY_MS_MAX).sort((a, b) => a - b)
  const repeated = times.filter(count => count > 1).length
  if (usable.length === 0 || repeated < times.length / 2) return null
  const everyMs = Math.round(usable[usable.length >> 1]!)
  const most = Math.max(...times)
  const isAlways = times.filter(count => count === most).length >= times.length * 0.8
  if (!isAlways) {
    return {
      everyMs,
      times: null,
      fact: { zh: `按住时约每 ${everyMs} 毫秒重发`, en: `a held key is sent again about every ${everyMs} ms` },
      doubt: null,
    }
  }
  return {
    everyMs,
    times: Math.min(100, most - 1),
    fact: {
      zh: `每次按键发 ${most} 遍，间隔约 ${everyMs} 毫秒`,
      en: `every press is sent ${most} times, about ${everyMs} ms apart`,
    },
    doubt: {
      zh: '评价器可能在等待应答。要写出应答，需要厂家文档，或录下原有软件与它的通信',
      en: "the pad may be waiting for an answer; to give one, the maker's document or a recording of its own software is needed",
    },
  }
}
