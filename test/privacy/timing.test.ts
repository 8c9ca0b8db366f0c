import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createUplink } from '#agent/uplink/uplink.ts'
import { decodeBatch } from '#protocol/batch.ts'
import { chainHashes } from '#protocol/chain.ts'
import { GRADES } from '#protocol/grades.ts'
import { signReceipt } from '#protocol/receipt.ts'
import type { Sealer } from '#protocol/sealing.ts'
import { createTestDesk } from '#test/helpers/desk.ts'
import { permutationTest } from '#test/helpers/permutation-test.ts'
import { createRandom, shuffle } from '#test/helpers/random.ts'

/** Presses that only warm up: code becomes fast, and the numbers of the entries reach their lasting width. */
const WARM_UP = 150
const PER_GROUP = 300
/** A batch is cut after so many presses. */
const BATCH_PRESSES = 5
/** A sixth group: presses of this grade that are made slower on purpose, to know that the test would see it. */
const SLOWED = GRADES.indexOf('dissatisfied')
const SLOW_GROUP = GRADES.length
/** How often chance alone may fail a run of this file; two figures are compared. */
const ALPHA_EACH = 1e-4 / 2
const ROUNDS = 30_000

/** The desk, journal, sealer and uplink of the box with presses in random order; everything that could tell grades apart. */
async function pressManyTimes() {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  let thanked = (_atMs: number) => {}
  let slowMs = 0
  let sealing: Promise<unknown> | undefined
  const one = await createTestDesk({
    folder: memoryFolder(),
    onShow: intent => void (intent === 'thank' && thanked(performance.now())),
    around: sealer =>
      slowedBy(
        sealer,
        () => slowMs,
        ahead => {
          sealing = ahead
        },
      ),
  })
  const sizes = { entries: new Map<string, Set<number>>(), batches: new Set<number>(), answers: new Set<string>() }
  let receipt = () => {}
  const uplink = createUplink({
    clock: one.clock,
    journal: one.journal,
    box: 'box-1',
    boxKey: keys.privateKey,
    receiptKey: keys.publicKey,
    sendBatch(bytes) {
      const batch = decodeBatch(bytes)
      if (!batch.ok) throw new Error(batch.error.detail)
      const { box, epoch, first, previous, entries } = batch.value
      if (entries.length === BATCH_PRESSES * 2 && first > WARM_UP * 2) sizes.batches.add(bytes.length)
      const hash = chainHashes({ box, epoch }, first, previous, entries).at(-1)!
      const seq = first + entries.length - 1
      receipt = () =>
        void uplink.receiptArrived(signReceipt({ version: 1, box, epoch, seq, hash, at: 0 }, keys.privateKey))
    },
    onProgress() {},
    onCollectorTime() {},
    onResend() {},
  })
  uplink.linkUp()
  // The monotonic clock of a box that runs for more than a minute: all its numbers have one width.
  one.clock.advance(100_000)
  const ready = one.changed()
  const window = one.desk.window('A01')
  window.padChanged('ready')
  await ready

  async function press(n: number, group: number): Promise<number> {
    const asked = await one.desk.prompt({ for: { case: String(370_000_000_000 + n), service: 1 }, origin: 'panel' })
    if (!asked.ok) throw new Error(asked.error.detail)
    // A citizen takes longer to find a face than the box to seal all five.
    await sealing
    const thanks = new Promise<number>(resolve => {
      thanked = resolve
    })
    const rated = one.changed()
    const [shownBefore, startMs] = [one.shown.length, performance.now()]
    window.pressed(GRADES[group === SLOW_GROUP ? SLOWED : group]!)
    const tookMs = (await thanks) - startMs
    await rated
    const clerkSees = JSON.stringify([one.desk.find(asked.value.prompt.id), one.desk.windows()])
    sizes.answers.add(`${widthless(clerkSees)} ${one.shown.slice(shownBefore)}`)
    const idle = one.changed()
    one.clock.advance(3_000)
    await idle
    if (n % BATCH_PRESSES === BATCH_PRESSES - 1) {
      uplink.wake()
      receipt()
    }
    return tookMs
  }

  const warm: number[] = []
  for (let n = 0; n < WARM_UP; n++) warm.push(await press(n, n % GRADES.length))
  const order = shuffle(
    Array.from({ length: PER_GROUP * (GRADES.length + 1) }, (_, i) => i % (GRADES.length + 1)),
    createRandom(20260101),
  )
  const delaysMs: number[] = []
  // Of the latter half, when the code is as fast as it will be.
  const usual = warm.slice(WARM_UP / 2).sort((a, b) => a - b)
  const fifthMs = 0.2 * usual[usual.length >> 1]!
  for (const [i, group] of order.entries()) {
    slowMs = group === SLOW_GROUP ? fifthMs : 0
    delaysMs.push(await press(WARM_UP + i, group))
  }
  for (const entry of one.journal.read(WARM_UP * 2 + 1, 10_000).entries) addSize(sizes.entries, entry)
  return { delaysMs, order, sizes }
}

/**
 * A folder in memory where there is one. What a disk adds to a press is much, changes with whatever else the machine
 * does, and is the same for entries of the same size; without it a far smaller difference shows.
 */
function memoryFolder(): string {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'chuangping-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** What a leak would be: one grade costs a little more work between press and disk. */
function slowedBy(sealer: Sealer, delayMs: () => number, onSealing: (ahead: Promise<unknown>) => void): Sealer {
  let lastPlace = ''
  return {
    ...sealer,
    async sealGrades(provenance, context) {
      const place = Buffer.from(context).toString('hex')
      if (place === lastPlace) return NEVER_NEEDED
      lastPlace = place
      const ahead = sealer.sealGrades(provenance, context)
      onSealing(ahead)
      const sealed = await ahead
      return {
        ...sealed,
        of(grade) {
          const untilMs = performance.now() + delayMs()
          while (performance.now() < untilMs);
          return sealed.of(grade)
        },
      }
    },
  }
}

/** The seals for a correction, which are made after the thanks: nobody corrects here, and they take half of the run. */
const NEVER_NEEDED = {
  of: () => expect.unreachable('nobody corrects here'),
  forget() {},
}

function addSize(sizes: Map<string, Set<number>>, entry: Uint8Array) {
  const kind = ['prompt', 'rating'].find(name => Buffer.from(entry).includes(`dkind${lengthByte(name)}${name}`)) ?? '?'
  sizes.set(kind, (sizes.get(kind) ?? new Set()).add(entry.length))
}

/** The head of a CBOR text string. */
const lengthByte = (text: string) => String.fromCharCode(0x60 + text.length)

/** Ids, times, case numbers and counts differ from press to press whatever was pressed. */
const widthless = (json: string) => json.replace(/"[0-9a-f]{32}"/g, '"id"').replace(/\d+/g, 'n')

let running: ReturnType<typeof pressManyTimes> | undefined
const measured = () => {
  running ??= pressManyTimes()
  return running
}

/** The measured delays of some groups, renumbered; those of the slowed one made longer by `addMs` afterwards. */
async function delaysOf(groups: number[], addMs = 0) {
  const { delaysMs, order } = await measured()
  const kept = delaysMs
    .map((ms, i) => ({ ms: order[i] === SLOW_GROUP ? ms + addMs : ms, group: groups.indexOf(order[i]!) }))
    .filter(({ group }) => group >= 0)
  return permutationTest(
    kept.map(({ ms }) => ms),
    kept.map(({ group }) => group),
    ROUNDS,
  )
}

test('entries, batches, what the clerk is told and what the pad shows are the same to the byte for every grade', async () => {
  const { sizes } = await measured()
  expect(new Map([...sizes.entries].map(([kind, found]) => [kind, found.size]))).toEqual(
    new Map([
      ['rating', 1],
      ['prompt', 1],
    ]),
  )
  expect([sizes.batches.size, sizes.answers.size]).toEqual([1, 1])
  // A busy disk makes thousands of fsyncs slow, and no less alike.
}, 60_000)

test('the delay from press to thanks does not tell the grades apart', async () => {
  const chance = await delaysOf([0, 1, 2, 3, 4])
  expect(Math.min(chance.medians, chance.means)).toBeGreaterThan(ALPHA_EACH)
})

test('the same comparison finds one grade that takes a fifth longer', async () => {
  const groups = GRADES.map((_, grade) => (grade === SLOWED ? SLOW_GROUP : grade))
  const { delaysMs } = await measured()
  const sorted = [...delaysMs].sort((a, b) => a - b)
  const at = (quantile: number) => sorted[Math.floor(sorted.length * quantile)]!
  // Where other work spreads the delays of one grade wider than that, nobody could see a fifth, a clerk least of all.
  // Then the difference to be found is half of that spread: what is proven is that the comparison sees.
  const addMs = Math.max(0, (at(0.75) - at(0.25)) / 2 - at(0.5) / 5)
  expect((await delaysOf(groups, addMs)).medians).toBeLessThanOrEqual(ALPHA_EACH)
})
