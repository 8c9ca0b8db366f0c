import type { Clock } from '#protocol/clock.ts'
import { toHex } from '#protocol/codec.ts'

/**
 * The last things that went wrong on a pad's line, for the person who is called to it. Kept in memory only.
 *
 * What is sent to a pad is never kept: texts hold names. What comes from it while a prompt is open is kept as a
 * length without its bytes: a damaged frame may still show what was chosen.
 */
export interface FrameRing {
  add(what: string, bytes: Uint8Array, isArmed: boolean): void
  /** Oldest first, as `1.5 s ago bad-checksum FF 68 03`. */
  lines(): string[]
}

const LINES_MAX = 16
const BYTES_MAX = 24

export function createFrameRing(clock: Pick<Clock, 'monoMs'>): FrameRing {
  let kept: { atMonoMs: number; text: string }[] = []
  return {
    add(what, bytes, isArmed) {
      const hex = toHex(bytes.slice(0, BYTES_MAX))
        .toUpperCase()
        .replaceAll(/..(?=.)/g, '$& ')
      const shown = isArmed ? `${bytes.length} bytes` : `${hex}${bytes.length > BYTES_MAX ? ' …' : ''}`
      kept = [...kept, { atMonoMs: clock.monoMs(), text: `${what} ${shown}` }].slice(-LINES_MAX)
    },
    lines: () => kept.map(({ atMonoMs, text }) => `${((clock.monoMs() - atMonoMs) / 1000).toFixed(1)} s ago ${text}`),
  }
}
