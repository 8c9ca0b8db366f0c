import { fork } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { openJournal } from '#agent/journal/journal.ts'
import { createSessionRunner } from '#agent/rating/runner.ts'
import { createSealer, type SealedGrades, type Sealer } from '#protocol/sealing.ts'
import { collectYoung } from '#runtime/collect-young.ts'
import type { Text } from '#runtime/language.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import { openFloor } from './floor.ts'
import type { Measurement, RowPlan, Subject } from './measurement.ts'
import { promptBody } from './sessions.ts'
import { quantile } from './statistics.ts'
import type { Workplace } from './workplace.ts'

const PRESSES = 2_000
/** Two entries each: as many as make a checkpoint worth its writes. */
const PRESSES_BETWEEN_QUIET = 25
const BOX = 'bench-press'
const WINDOW = 'A01'
const QUANTILES = [0.5, 0.99, 0.999]

const against: Text = { zh: '4 KiB 覆写 + fdatasync', en: '4 KiB overwrite + fdatasync' }
const row = (name: string, quantileName: string): RowPlan => ({
  name,
  title: { zh: `按键到落盘 ${quantileName}`, en: `press to durable ${quantileName}` },
  against: { zh: `${against.zh} ${quantileName}`, en: `${against.en} ${quantileName}` },
  unit: 'ms',
  better: 'lower',
  goal: 2,
})

/**
 * From the press that reaches the session to the entry on disk, when thanks are due, through the real runner, sealer and journal.
 * As in the field the seal was prepared before; the signature comes with the batch, after the thanks. In a process of
 * its own, which is told to stay small as a box is.
 */
export const press: Measurement = {
  name: 'press',
  rows: [row('press-p50', 'p50'), row('press-p99', 'p99'), row('press-p999', 'p99.9')],
  prepare: preparePress,
}

function preparePress(place: Workplace): Promise<Subject> {
  // As a box runs it (scripts/box-build/box-start.cjs): without the compilers that make a busy program fast.
  const child = fork(import.meta.filename, [place.folder('press')], {
    execArgv: ['--no-opt', '--no-maglev', '--semi-space-growth-factor=1', '--expose-gc'],
  })
  const closed = once(child, 'close')
  const stop = place.keep(async () => {
    child.kill('SIGKILL')
    await closed
  })
  async function ask(what: 'ours' | 'reference'): Promise<readonly number[]> {
    const answer = once(child, 'message') as Promise<[readonly number[]]>
    child.send(what)
    const ended = closed.then(() => Promise.reject(new Error('the process of the presses ended too early')))
    return (await Promise.race([answer, ended]))[0]
  }
  return Promise.resolve({ ours: () => ask('ours'), reference: () => ask('reference'), close: stop })
}

/** The process that presses; ends with its parent. */
async function serve(folder: string) {
  const presses = await preparePresses(folder)
  process.on('disconnect', () => process.exit())
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {}) // The parent ends it.
  process.on('message', async (what: 'ours' | 'reference') => process.send!(await presses[what]()))
}

async function preparePresses(folder: string) {
  const clock = createSystemClock()
  const opened = openJournal({ directory: join(folder, 'journal'), box: BOX, clock, randomBytes })
  if (!opened.ok) throw new Error(opened.error.detail)
  const journal = opened.value
  const floor = openFloor(join(folder, 'floor'), PRESSES)
  const { sealer, prepared } = watched(await createSealer(generateKeyPairSync('x25519').publicKey))
  let failure: unknown
  let thankedMs = 0
  const runner = createSessionRunner({
    clock,
    journal,
    sealer,
    box: BOX,
    rules: { askMs: 60_000, undoMs: 60_000, correctionsMax: 0 },
    provenance: 'pad',
    show: intent => {
      if (intent === 'thank') thankedMs = performance.now()
    },
    onChange: () => {},
    onFailure: error => {
      failure = error
    },
  })
  await runner.accept({ kind: 'pad-changed', condition: 'ready' })

  async function pressOnce(): Promise<number> {
    const { prompt: id, origin, for: service } = promptBody()
    const prompt = service ? { id, for: service } : { id }
    await runner.accept({ kind: 'prompted', prompt, window: WINDOW, origin })
    await prepared()
    const startedMs = performance.now()
    const done = await runner.accept({ kind: 'pressed', grade: 'satisfied', isFresh: true })
    if (done.ignored) throw new Error(`the press was ignored: ${done.ignored}`)
    return thankedMs - startedMs
  }

  /** What the box does between citizens (agent/main.ts), not while somebody waits. */
  function beQuiet() {
    journal.checkpoint()
    collectYoung()
  }

  return {
    async ours() {
      const tookMs: number[] = []
      for (let i = 0; i < PRESSES; i++) {
        if (i % PRESSES_BETWEEN_QUIET === 0) beQuiet()
        tookMs.push(await pressOnce())
      }
      if (failure) throw failure
      return QUANTILES.map(q => quantile(tookMs, q))
    },
    reference() {
      const tookMs: number[] = []
      for (let i = 0; i < PRESSES; i++) {
        const startedMs = performance.now()
        floor.write()
        tookMs.push(performance.now() - startedMs)
      }
      return QUANTILES.map(q => quantile(tookMs, q))
    },
  }
}

/** A sealer that tells when the newest grades are sealed ahead: citizens are slower than that. */
function watched(inner: Sealer): { sealer: Sealer; prepared(): Promise<unknown> } {
  let newest: Promise<SealedGrades> | undefined
  const sealer: Sealer = {
    ...inner,
    sealGrades(provenance, context) {
      newest = inner.sealGrades(provenance, context)
      return newest
    },
  }
  return { sealer, prepared: async () => await newest }
}

if (import.meta.main) await serve(process.argv[2]!)
