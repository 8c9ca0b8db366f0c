import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { openJournal } from '#agent/journal/journal.ts'
import { createSessionRunner } from '#agent/rating/runner.ts'
import { createSealer, type SealedGrades, type Sealer } from '#protocol/sealing.ts'
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
 * From the press that reaches the session to the entry on disk, through the real runner, sealer and journal.
 * As in the field the seal was prepared before; the signature comes with the batch, after the thanks.
 */
export const press: Measurement = {
  name: 'press',
  rows: [row('press-p50', 'p50'), row('press-p99', 'p99'), row('press-p999', 'p99.9')],
  prepare: preparePress,
}

async function preparePress(place: Workplace): Promise<Subject> {
  const folder = place.folder('press')
  const clock = createSystemClock()
  const opened = openJournal({ directory: join(folder, 'journal'), box: BOX, clock, randomBytes })
  if (!opened.ok) throw new Error(opened.error.detail)
  const journal = opened.value
  const floor = openFloor(join(folder, 'floor'), PRESSES)
  const { sealer, prepared } = watched(await createSealer(generateKeyPairSync('x25519').publicKey))
  let failure: unknown
  const runner = createSessionRunner({
    clock,
    journal,
    sealer,
    box: BOX,
    rules: { askMs: 60_000, undoMs: 60_000, correctionsMax: 0 },
    provenance: 'pad',
    show: () => {},
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
    const tookMs = performance.now() - startedMs
    if (done.ignored) throw new Error(`the press was ignored: ${done.ignored}`)
    return tookMs
  }

  return {
    async ours() {
      const tookMs: number[] = []
      for (let i = 0; i < PRESSES; i++) {
        // Between citizens the box is quiet, and the journal puts its log in order: not while somebody waits.
        if (i % PRESSES_BETWEEN_QUIET === 0) journal.checkpoint()
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
      return Promise.resolve(QUANTILES.map(q => quantile(tookMs, q)))
    },
    close() {
      runner.stop()
      journal.close()
      floor.close()
      return Promise.resolve()
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
