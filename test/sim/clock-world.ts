import fc from 'fast-check'
import { createAnchors } from '#agent/clock/anchors.ts'
import { createCollectorTime, type TimeWord } from '#agent/clock/collector-time.ts'
import { createApplier } from '#collector/projection/apply.ts'
import type { ProjectedEntry } from '#collector/projection/projected.ts'
import { createScratchStore, type ScratchStore } from '#collector/store/scratch-store.ts'
import type { Clock } from '#protocol/clock.ts'
import { DRIFT_PPM } from '#protocol/drift.ts'
import type { Entry, EntryBody, EntryTime } from '#protocol/entry.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const YEAR_MS = 365 * DAY_MS
const START_MS = Date.UTC(2026, 10, 24, 2)

/** What happens to a box and its clocks. Times are true times. */
export type Happening =
  | { act: 'write' }
  | { act: 'pass'; ms: number; ppm: number }
  | { act: 'sleep'; ms: number }
  /** The power goes, and comes back after a while with a clock that says anything. */
  | { act: 'reboot'; offMs: number; wallMs: number | 'right'; isSynced: boolean; monoMs: number }
  | { act: 'jump'; ms: number; isSynced: boolean }
  /** All that waits is sent, and answered; each way takes its time. */
  | { act: 'link'; thereMs: number; backMs: number }
  /** The broker shows an old answer once more. */
  | { act: 'replay'; which: number }
  /** The journal is set aside, and another one begun. */
  | { act: 'epoch'; isExplained: boolean }

const spans = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 5_000 }) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 3 * HOUR_MS }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 40 * DAY_MS }) },
)
const ways = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 300 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 2 * HOUR_MS }) },
)
const someYears = fc.integer({ min: -40 * YEAR_MS, max: 40 * YEAR_MS })

export const happenings: fc.Arbitrary<Happening[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.constant<Happening>({ act: 'write' }) },
    {
      weight: 8,
      arbitrary: fc.record({
        act: fc.constant('pass' as const),
        ms: spans,
        ppm: fc.oneof(fc.constantFrom(-DRIFT_PPM, DRIFT_PPM), fc.integer({ min: -DRIFT_PPM, max: DRIFT_PPM })),
      }),
    },
    { weight: 5, arbitrary: fc.record({ act: fc.constant('link' as const), thereMs: ways, backMs: ways }) },
    {
      weight: 2,
      arbitrary: fc.record({
        act: fc.constant('reboot' as const),
        offMs: spans,
        wallMs: fc.oneof(
          fc.constant<number | 'right'>('right'),
          fc.constantFrom<number | 'right'>(0, 2 ** 31 * 1000, Date.UTC(2099, 0, 1)),
          someYears.map(ms => START_MS + ms),
        ),
        isSynced: fc.boolean(),
        monoMs: fc.integer({ min: 0, max: 90_000 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        act: fc.constant('jump' as const),
        ms: fc.oneof(someYears, fc.integer({ min: -300_000, max: 300_000 })),
        isSynced: fc.boolean(),
      }),
    },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('replay' as const), which: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('sleep' as const), ms: spans }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('epoch' as const), isExplained: fc.boolean() }) },
  ),
  { minLength: 5, maxLength: 60, size: 'max' },
)

export interface ClockWorld {
  store: ScratchStore
  /** Everything the collector has, in order, with the true time at which it was made. */
  arrived: readonly { item: ProjectedEntry; truthMs: number }[]
  /** Whether an anchor has arrived that was made in the boot of the last sleep, and after it. */
  isSleepFoundOut(): boolean
  run(happening: Happening): Promise<void>
  close(): Promise<void>
}

/** One box with the real clockwork of the agent, and the real tables of a collector; only the kernel is ours. */
export async function createClockWorld(): Promise<ClockWorld> {
  const store = await createScratchStore(':memory:')
  const applier = createApplier()
  let nowMs = START_MS
  let monoMs = 1_000
  let wallAheadMs = -START_MS
  let isSynced = false
  let boots = 0
  let boot = idOf(1, ++boots)
  let epochs = 1
  let seq = 0
  let waiting: { entry: Entry; truthMs: number; epoch: number; seq: number }[] = []
  let words: TimeWord[] = []
  const arrived: ClockWorld['arrived'][number][] = []

  const clock = (): Clock => ({
    wallMs: () => Math.floor(nowMs + wallAheadMs),
    monoMs: () => Math.floor(monoMs),
    isSynced: () => isSynced,
    boot,
    after: () => () => {},
  })
  let own = startAgent()
  let slept: { boot: Uint8Array; untilMs: number } | undefined

  function startAgent() {
    words = []
    const running = clock()
    const collectorTime = createCollectorTime(running)
    const append = (body: (time: EntryTime) => EntryBody<'anchor'>) =>
      write(time => ({ kind: 'anchor', body: body(time) }))
    return { collectorTime, anchors: createAnchors({ clock: running, collectorTime, append }) }
  }

  function write(make: (time: EntryTime) => Pick<Entry, 'kind' | 'body'>) {
    const { wallMs, monoMs: mono } = clock()
    const time = { boot, mono: mono(), wall: wallMs(), synced: isSynced }
    const entry = { ...make(time), time } as Entry
    waiting.push({ entry, truthMs: Math.floor(nowMs), epoch: epochs, seq: ++seq })
  }

  function pass(ms: number, ppm = 0) {
    nowMs += ms
    monoMs += ms * (1 + ppm / 1_000_000)
  }

  const prompt = () =>
    write(() => ({ kind: 'prompt', body: { prompt: idOf(3, seq + 1000 * epochs), window: 'A01', origin: 'panel' } }))
  const bootEntry = (origin?: EntryBody<'boot'>['origin']) =>
    write(() => ({ kind: 'boot', body: { agent: 'world', ...(origin && { origin }) } }))

  /** The collector takes what waits, in slices of any size. */
  async function deliver() {
    const items = waiting.map(
      ({ entry, epoch, seq: number }, i): ProjectedEntry => ({
        position: arrived.length + i + 1,
        box: 'box-1',
        epoch: idOf(2, epoch),
        seq: number,
        hash: new Uint8Array(32),
        receivedAtMs: Math.floor(nowMs),
        entry,
      }),
    )
    arrived.push(...items.map((item, i) => ({ item, truthMs: waiting[i]!.truthMs })))
    waiting = []
    for (let at = 0; at < items.length; ) {
      const slice = items.slice(at, at + 1 + ((items.length + at) % 17))
      at += slice.length
      await store.db.transaction().execute(trx => applier.apply(trx, slice))
    }
  }

  bootEntry()
  return {
    store,
    arrived,
    isSleepFoundOut: () =>
      arrived.some(
        ({ item: { entry }, truthMs }) =>
          entry.kind === 'anchor' && slept && truthMs >= slept.untilMs && entry.time.boot === slept.boot,
      ),
    async run(happening) {
      switch (happening.act) {
        case 'write':
          return prompt()
        case 'pass':
          return pass(happening.ms, happening.ppm)
        case 'sleep':
          // Longer than anything that passes unseen: the machine stands still and does not count it.
          nowMs += happening.ms
          slept = { boot, untilMs: nowMs }
          return
        case 'reboot':
          nowMs += happening.offMs
          monoMs = happening.monoMs
          boot = idOf(1, ++boots)
          isSynced = happening.isSynced
          wallAheadMs = happening.wallMs === 'right' ? 0 : happening.wallMs - nowMs
          own = startAgent()
          return bootEntry()
        case 'jump':
          wallAheadMs = happening.ms
          isSynced = happening.isSynced
          return
        case 'link': {
          const sinceMonoMs = Math.floor(monoMs)
          pass(happening.thereMs)
          const atWallMs = Math.floor(nowMs)
          await deliver()
          pass(happening.backMs)
          const word = { atWallMs, sinceMonoMs }
          words.push(word)
          own.collectorTime.learned(word)
          return own.anchors.consider('receipt')
        }
        case 'replay': {
          const word = words[happening.which % (words.length || 1)]
          if (word) own.collectorTime.learned(word)
          return own.anchors.consider('receipt')
        }
        case 'epoch': {
          const origin = { reason: 'quarantined', epoch: idOf(2, epochs), seq, hash: new Uint8Array(32) } as const
          epochs++
          seq = 0
          own = startAgent()
          return bootEntry(happening.isExplained ? origin : undefined)
        }
      }
    },
    close: store.close,
  }
}

/** 16 bytes that name the nth of something. */
function idOf(what: number, n: number): Uint8Array {
  const id = Buffer.alloc(16, what)
  id.writeUInt32BE(n, 12)
  return new Uint8Array(id)
}
