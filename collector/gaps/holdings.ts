import type { Clock } from '#protocol/clock.ts'

/** Entries that boxes say they hold and that have not arrived, and since when nothing came. */
export interface Holdings {
  /** The box says that so many of its entries have no receipt. */
  said(box: string, entries: number): void
  /** A batch arrived: `left` entries are still at the box by its own word. */
  arrived(box: string, left: number, isProgress: boolean): void
  forget(box: string): void
  /** Since when nothing arrives though it should; undefined while all is well. */
  stalledSinceMs(box: string): number | undefined
  stalled(): string[]
  stop(): void
}

/** Longer than any pause between two attempts of a box that is online (five minutes), and than a restart. */
export const STALLED_MS_MIN = 15 * 60 * 1000
const LOOK_MS = 60 * 1000

interface Held {
  entries: number
  sinceMs: number
  sinceMonoMs: number
}

/** `onChanged` is called for a box that is stalled from now on, or no longer. */
export function createHoldings(deps: { clock: Clock; onChanged(box: string): void }): Holdings {
  const { clock } = deps
  const boxes = new Map<string, Held>()
  const told = new Set<string>()
  let cancelLook = clock.after(LOOK_MS, look)

  function isStalled(held: Held | undefined): held is Held {
    return held !== undefined && held.entries > 0 && clock.monoMs() - held.sinceMonoMs >= STALLED_MS_MIN
  }

  function look() {
    for (const box of boxes.keys()) tellIfChanged(box)
    cancelLook = clock.after(LOOK_MS, look)
  }

  function tellIfChanged(box: string) {
    const isNow = isStalled(boxes.get(box))
    if (isNow === told.has(box)) return
    if (isNow) told.add(box)
    else told.delete(box)
    deps.onChanged(box)
  }

  function hold(box: string, entries: number, isProgress: boolean) {
    const known = boxes.get(box)
    if (entries === 0) boxes.delete(box)
    else if (known && !isProgress) known.entries = entries
    else boxes.set(box, { entries, sinceMs: clock.wallMs(), sinceMonoMs: clock.monoMs() })
    tellIfChanged(box)
  }

  return {
    said: (box, entries) => hold(box, entries, false),
    arrived: (box, left, isProgress) => hold(box, Math.max(0, left), isProgress),
    forget: box => hold(box, 0, true),
    stalledSinceMs(box) {
      const held = boxes.get(box)
      return isStalled(held) ? held.sinceMs : undefined
    },
    stalled: () => [...boxes].filter(([, held]) => isStalled(held)).map(([box]) => box),
    stop: () => cancelLook(),
  }
}
