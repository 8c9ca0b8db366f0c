import { groupsOf } from './groups.ts'
import type { Chunk } from './trace.ts'

export interface TriedLine {
  readonly baud: number
  readonly parity: 'none' | 'even' | 'odd'
}

/** What came while one key was pressed again and again under one setting. */
export interface Listening extends TriedLine {
  readonly chunks: readonly Chunk[]
}

export interface ScoredLine extends TriedLine {
  /** From 0, nothing or noise, to 1, one and the same group at every press. */
  readonly score: number
  readonly groups: number
  readonly bytesPerPress: number
}

/** The usual speeds, the likeliest first. */
export const BAUDS = [9600, 19_200, 115_200, 38_400, 57_600, 4800, 2400] as const
export const PARITIES = ['none', 'even', 'odd'] as const

/** Presses of one key are farther apart than this, pieces of one frame closer. */
const PRESS_GAP_MS = 60
/** Settings that come so close to the best cannot be told from it by one key. */
const RIVAL_SHARE = 0.9

/**
 * Ranks settings by what one key brought under each: the same group at every press, few bytes of the shape that a
 * line heard too fast gives, and as many bytes as any setting gives. Pure.
 */
export function rankLines(listenings: readonly Listening[]): { ranked: ScoredLine[]; rivals: ScoredLine[] } {
  const measured = listenings.map(measure)
  const most = Math.max(1, ...measured.map(({ sound }) => sound))
  const ranked = measured
    .map(({ baud, parity, repeated, sound, groups, bytesPerPress }) => ({
      baud,
      parity,
      groups,
      bytesPerPress,
      score: groups < 2 ? 0 : repeated * (sound / most),
    }))
    .sort((a, b) => b.score - a.score)
  const [best] = ranked
  const rivals = ranked.filter(one => one !== best && best!.score > 0 && one.score >= best!.score * RIVAL_SHARE)
  return { ranked, rivals }
}

function measure({ baud, parity, chunks }: Listening) {
  const groups = groupsOf(chunks, PRESS_GAP_MS)
  const counts = new Map<string, { count: number; bytes: Uint8Array }>()
  for (const { bytes } of groups) {
    const hex = Buffer.from(bytes).toString('hex')
    counts.set(hex, { count: (counts.get(hex)?.count ?? 0) + 1, bytes })
  }
  const modal = [...counts.values()].reduce((a, b) => (b.count > a.count ? b : a), {
    count: 0,
    bytes: new Uint8Array(),
  })
  // A pad that tells press and release sends two groups in turn.
  const isPair = [...counts.values()].filter(({ count }) => count === modal.count).length === 2 && modal.count > 1
  const repeated = groups.length === 0 ? 0 : Math.min(1, (modal.count * (isPair ? 2 : 1)) / groups.length)
  const sound = modal.bytes.reduce((sum, byte) => sum + (isNoise(byte) ? NOISE_WORTH : 1), 0)
  return { baud, parity, repeated, sound, groups: groups.length, bytesPerPress: modal.bytes.length }
}

/** What is left of a level that stays, whatever was sent, is little evidence. */
const NOISE_WORTH = 0.1
const isNoise = (byte: number) => byte >= 0xfe || isStretched(byte)

/**
 * Whether a byte is what a line gives that is heard at least twice too fast: no bit of it stands alone. The last
 * run of equal bits may go on beyond the byte and says nothing.
 */
export function isStretched(byte: number): boolean {
  let run = 1
  let bit = 0
  for (let i = 0; i < 8; i++) {
    const next = (byte >> i) & 1
    if (next === bit) run += 1
    else if (run < 2) return false
    else run = 1
    bit = next
  }
  return true
}
