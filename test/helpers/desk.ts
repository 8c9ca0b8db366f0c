import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { onTestFinished } from 'vitest'
import { type Journal, openJournal } from '#agent/journal/journal.ts'
import { createDesk, type Desk, type DeskJournal } from '#agent/rating/desk.ts'
import type { Ignored } from '#agent/rating/session.ts'
import { createSealer, type Sealer } from '#protocol/sealing.ts'
import { createFakeClock, type FakeClock } from './fake-clock.ts'
import { temporaryFolder } from './temporary-folder.ts'

export interface TestDesk {
  clock: FakeClock
  desk: Desk
  journal: Journal
  openingKey: KeyObject
  /** What the pads were told, as `window intent`. */
  shown: string[]
  ignored: Ignored[]
  fatal: unknown[]
  /** Kinds of the journal's entries, oldest first. */
  kinds(): string[]
  /** What the journal says of the pads, as `window state reason`, oldest first. */
  pads(): string[]
  /** Resolves after the next change of the desk's state. */
  changed(): Promise<void>
}

/** A desk on a real journal and a real sealer, with a clock that moves when told and pads that only listen. */
export async function createTestDesk(
  options: {
    box?: string
    windows?: string[]
    /** Windows that cannot work, and why. */
    faults?: Record<string, string>
    /** The collector's opening key; else one of its own, given back as `openingKey`. */
    sealTo?: KeyObject
    folder?: string
    room?: () => boolean
    /** Told at the moment a pad is told. */
    onShow?(intent: 'ask' | 'thank' | 'idle', window: string, clerk?: string): void
    /** Told after each change of the desk's state. */
    onChange?(): void
    linesRead?(): Promise<void>
    /** Puts something between the desk and the real sealer. */
    around?(sealer: Sealer): Sealer
  } = {},
): Promise<TestDesk> {
  const clock = createFakeClock()
  const { publicKey, privateKey } = generateKeyPairSync('x25519')
  const { box = 'box-1', sealTo = publicKey } = options
  const opened = openJournal({ directory: options.folder ?? temporaryFolder(), box, clock, randomBytes })
  if (!opened.ok) throw new Error(opened.error.detail)
  const journal = opened.value
  const sealer = await createSealer(sealTo)
  const shown: string[] = []
  const ignored: Ignored[] = []
  const fatal: unknown[] = []
  let waiting: (() => void)[] = []
  const desk = createDesk({
    clock,
    randomBytes,
    journal: { append: journal.append, hasRoom: options.room ?? journal.hasRoom } as DeskJournal,
    sealer: options.around?.(sealer) ?? sealer,
    box,
    rules: { askMs: 60_000, undoMs: 3_000, correctionsMax: 5 },
    windows: (options.windows ?? ['A01']).map(window => ({
      window,
      profile: 'test',
      holdOffMs: 400,
      stuckMs: 10_000,
      ...(options.faults?.[window] && { fault: options.faults[window] }),
      show(intent, clerk) {
        options.onShow?.(intent, window, clerk)
        shown.push(`${window} ${intent}`)
      },
    })),
    past: journal.newestFirst(),
    ...(options.linesRead && { linesRead: options.linesRead }),
    onChange() {
      options.onChange?.()
      const woken = waiting
      waiting = []
      for (const wake of woken) wake()
    },
    onIgnored: (_window, reason) => void ignored.push(reason),
    onFatal: error => void fatal.push(error),
  })
  onTestFinished(() => {
    desk.stop()
    journal.close()
  })
  return {
    clock,
    desk,
    journal,
    openingKey: privateKey,
    shown,
    ignored,
    fatal,
    kinds: () => [...journal.newestFirst()].map(entry => entry.kind).reverse(),
    pads: () =>
      [...journal.newestFirst()]
        .flatMap(({ kind, body }) =>
          kind === 'pad' ? [[body.window, body.state, body.reason ?? ''].join(' ').trim()] : [],
        )
        .reverse(),
    changed: () => new Promise(resolve => waiting.push(resolve)),
  }
}
