import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Journal, openJournal } from '#agent/journal/journal.ts'
import { createUplink, type Uplink } from '#agent/uplink/uplink.ts'
import { createTestCollector } from '#collector/fixtures/core.ts'
import { toHex } from '#protocol/codec.ts'
import { decodeEntry } from '#protocol/entry.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const BOX = 'box-1'
/** Longer than the box waits at most before it sends again. */
const PATIENCE_MS = 301_000

/** A box with a real journal and uplink, and a real collector; the link between them delivers at once. */
async function createBench() {
  const clock = createFakeClock()
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const collector = await createTestCollector({ clock })
  await collector.core.enrol({
    box: BOX,
    key: new Uint8Array(keys.publicKey.export({ format: 'der', type: 'spki' })),
  })
  const directory = temporaryFolder()
  let running: { journal: Journal; uplink: Uplink } | undefined
  let toSend: Uint8Array[] = []
  let mustRestart = false

  function start() {
    const opened = openJournal({ directory, box: BOX, clock, randomBytes })
    if (!opened.ok) throw new Error(`${opened.error.code}: ${opened.error.detail}`)
    const journal = opened.value
    const fatal = () => {
      mustRestart = true
    }
    const uplink = createUplink({
      clock,
      journal,
      past: journal.past,
      box: BOX,
      boxKey: keys.privateKey,
      receiptKey: createPublicKey(collector.signingKey),
      sendBatch: bytes => void toSend.push(bytes),
      onProgress() {},
      onCollectorTime() {},
      onResend() {},
      onFailure: fatal,
      onContradicted() {
        journal.contradicted()
        fatal()
      },
    })
    running = { journal, uplink }
    journal.append('boot', { agent: 'test', ...(journal.origin && { origin: journal.origin }) })
    for (const { prompt } of journal.openPrompts) {
      journal.append('outcome', { prompt, outcome: 'cancelled', reason: 'restarted' })
    }
    uplink.linkUp()
  }

  function stop() {
    running?.uplink.stop()
    running?.journal.close()
    toSend = []
  }

  return {
    directory,
    collector,
    start,
    stop,
    running: () => running!,
    /** Until the box holds nothing without a receipt; as the service manager does, starts it anew when it gives up. */
    async deliver() {
      for (let quiet = 0; quiet < 60; quiet++) {
        while (toSend.length > 0 && !mustRestart) {
          await collector.send(BOX, toSend.shift()!)
          for (const { kind, bytes } of collector.sent.splice(0)) {
            if (kind === 'receipt') running!.uplink.receiptArrived(bytes)
          }
        }
        if (mustRestart) {
          mustRestart = false
          stop()
          start()
          continue
        }
        if (running!.uplink.backlog() === 0) return
        clock.advance(PATIENCE_MS)
      }
      throw new Error(`${running!.uplink.backlog()} entries are stuck`)
    },
    /** Hashes of the entries of one epoch that are committed, by number, and the prompts of all ratings. */
    async committed(epoch: Uint8Array) {
      const rows = await collector.store.db.selectFrom('evidence').selectAll().where('box', '=', BOX).execute()
      const own = rows.filter(row => toHex(row.epoch) === toHex(epoch))
      const entries = rows.flatMap(row => {
        const entry = decodeEntry(row.bytes)
        return entry.ok && entry.value.kind === 'rating' ? [toHex(entry.value.body.prompt)] : []
      })
      return { bySeq: new Map(own.map(row => [row.seq, toHex(row.hash)])), rated: entries }
    },
  }
}

/** Sessions on disk: numbers and hashes of their entries, and the prompt of each rating. */
function rate(journal: Journal, count: number) {
  return Array.from({ length: count }, (_, n) => {
    const prompt = randomBytes(16)
    journal.append('prompt', { prompt, window: 'A01', origin: 'panel' })
    const sealed = { key: randomBytes(8), enc: randomBytes(32), text: randomBytes(n % 4 === 0 ? 2065 : 64) }
    const { seq, hash } = journal.append('rating', { prompt, provenance: 'screen', sealed })
    return { seq, hash: toHex(hash), prompt: toHex(prompt) }
  })
}

const FILES = ['journal.db', 'journal.db-wal'] as const

function snapshot(directory: string) {
  return FILES.map(name => {
    const path = join(directory, name)
    return [path, existsSync(path) ? readFileSync(path) : undefined] as const
  })
}

function putBack(files: ReturnType<typeof snapshot>) {
  for (const [path, bytes] of files) {
    if (bytes) writeFileSync(path, bytes)
    else rmSync(path, { force: true })
  }
}

const place = fc.double({ min: 0, max: 0.999, noNaN: true })
const damage = fc.record({
  file: fc.constantFrom(...FILES),
  at: place,
  kind: fc.constantFrom('zero', 'noise', 'flip', 'cut'),
  bytes: fc.integer({ min: 1, max: 4000 }),
})

test('whatever is damaged: ratings arrive once, nothing false does, and nothing is stuck', async () => {
  let [lost, all] = [0, 0]
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        delivered: fc.integer({ min: 0, max: 8 }),
        waiting: fc.integer({ min: 1, max: 8 }),
        isClosedBetween: fc.boolean(),
        damages: fc.array(damage, { minLength: 1, maxLength: 2 }),
      }),
      async ({ delivered, waiting, isClosedBetween, damages }) => {
        const bench = await createBench()
        bench.start()
        const { epoch } = bench.running().journal
        const rated = rate(bench.running().journal, delivered)
        bench.running().uplink.wake()
        await bench.deliver()
        if (isClosedBetween) {
          bench.stop()
          bench.start()
        }
        rated.push(...rate(bench.running().journal, waiting))
        const files = snapshot(bench.directory)
        bench.stop()
        putBack(files)
        for (const { file, at, kind, bytes } of damages) {
          const path = join(bench.directory, file)
          if (!existsSync(path)) continue
          const content = readFileSync(path)
          const from = Math.floor(at * content.length)
          if (kind === 'flip' && content.length > 0) content[from]! ^= 1
          if (kind === 'zero') content.subarray(from, from + bytes).fill(0)
          if (kind === 'noise') randomBytes(bytes).copy(content, from)
          writeFileSync(path, kind === 'cut' ? content.subarray(0, from) : content)
        }
        bench.start()
        const later = rate(bench.running().journal, 2)
        bench.running().uplink.wake()
        await bench.deliver()
        const { bySeq, rated: arrived } = await bench.committed(epoch)
        for (const { seq, hash } of rated) expect([undefined, hash]).toContain(bySeq.get(seq))
        expect(new Set(arrived).size).toBe(arrived.length)
        for (const { prompt } of later) expect(arrived).toContain(prompt)
        for (const { prompt } of rated.slice(0, delivered)) expect(arrived).toContain(prompt)
        all += rated.length
        lost += rated.filter(({ prompt }) => !arrived.includes(prompt)).length
        bench.stop()
        await bench.collector.close()
      },
    ),
    { numRuns: 25 },
  )
  // Bytes that are gone are gone; what lies around them is not.
  expect(lost).toBeLessThan(all * 0.5)
}, 180_000)

test('a card that came back older than what was sent from it: what only it has arrives as an epoch of its own', async () => {
  const bench = await createBench()
  bench.start()
  const { epoch } = bench.running().journal
  const early = rate(bench.running().journal, 3)
  const files = snapshot(bench.directory)
  const sent = rate(bench.running().journal, 4)
  bench.running().uplink.wake()
  await bench.deliver()
  bench.stop()
  putBack(files)
  rmSync(join(bench.directory, 'previous.json'))
  bench.start()
  const again = rate(bench.running().journal, 5)
  bench.running().uplink.wake()
  await bench.deliver()
  expect(toHex(bench.running().journal.epoch)).not.toBe(toHex(epoch))
  const { bySeq, rated } = await bench.committed(epoch)
  for (const { seq, hash } of [...early, ...sent]) expect(bySeq.get(seq)).toBe(hash)
  expect(rated.sort()).toEqual([...early, ...sent, ...again].map(({ prompt }) => prompt).sort())
  const [view] = await bench.collector.core.verbs.listBoxes()
  expect(view!.findings.map(({ code }) => code).sort()).toEqual(['forked', 'unexplained-end'])
  bench.stop()
})

test('a journal that lost its header is delivered under its old epoch, and the new one explains the old one’s end', async () => {
  const bench = await createBench()
  bench.start()
  const { epoch } = bench.running().journal
  const rated = rate(bench.running().journal, 30)
  const open = randomBytes(16)
  bench.running().journal.append('prompt', { prompt: open, window: 'A01', origin: 'panel' })
  bench.stop()
  const path = join(bench.directory, 'journal.db')
  const content = readFileSync(path)
  content.fill(0, 0, 100)
  writeFileSync(path, content)
  bench.start()
  const { journal } = bench.running()
  expect(journal.origin).toMatchObject({ reason: 'quarantined', seq: 62 })
  expect(journal.openPrompts.map(({ prompt }) => toHex(prompt))).toEqual([toHex(open)])
  await bench.deliver()
  const { bySeq } = await bench.committed(epoch)
  for (const { seq, hash } of rated) expect(bySeq.get(seq)).toBe(hash)
  const [view] = await bench.collector.core.verbs.listBoxes()
  expect(view!.findings).toEqual([])
  expect(view!.epochs).toMatchObject([{ origin: 'explained', missing: 0 }, { origin: 'first' }])
  expect(await bench.collector.core.verbs.listGaps()).toEqual([])
  bench.stop()
})

test('a page that is gone is a gap that the collector gives up in the open; what follows it arrives', async () => {
  const bench = await createBench()
  bench.start()
  const { epoch } = bench.running().journal
  const rated = rate(bench.running().journal, 60)
  bench.stop()
  const path = join(bench.directory, 'journal.db')
  const content = readFileSync(path)
  const at = content.indexOf(Buffer.from(rated[31]!.prompt, 'hex'))
  content.fill(0, at - (at % 1024), at - (at % 1024) + 1024)
  writeFileSync(path, content)
  bench.start()
  await bench.deliver()
  const gaps = await bench.collector.core.verbs.listGaps()
  expect(gaps).toMatchObject([{ epoch: toHex(epoch), state: 'given-up' }])
  const { bySeq } = await bench.committed(epoch)
  const missing = rated.filter(({ seq }) => !bySeq.has(seq)).map(({ seq }) => seq)
  expect(missing).toContain(rated[31]!.seq)
  for (const seq of missing) expect(seq >= gaps[0]!.from && seq <= gaps[0]!.to).toBe(true)
  expect(missing.length).toBeLessThan(6)
  expect(bySeq.get(rated[59]!.seq)).toBe(rated[59]!.hash)
  bench.stop()
})
