import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { readReceipt } from '#protocol/receipt.ts'
import { upTopic } from '#protocol/topics.ts'
import { connectAs, flood } from './box-client.ts'
import { startCollectorProcess } from './collector-process.ts'
import { startCountingBroker } from './counting-broker.ts'
import { type LightBox, openLightBox } from './light-box.ts'
import type { Measurement, RowPlan, Subject } from './measurement.ts'
import { createPaperBox, type MadeBatch, type PaperBox } from './sessions.ts'
import type { Workplace } from './workplace.ts'

const BACKLOG = { boxes: 8, batches: 2, entries: 500 }
/** Every box of a large city at once, each with one entry and then another. */
const LIVE = { boxes: 2000, batches: 2, entries: 1 }
const REFERENCE = { count: 10_000, payloadBytes: 300, inFlight: 64 }
const CONNECTING_MAX = 20

const row = (name: string, zh: string, en: string, goal: number): RowPlan => ({
  name,
  title: { zh, en },
  against: { zh: '只计数的消费者', en: 'a consumer that only counts' },
  unit: 'entries/s',
  better: 'higher',
  goal,
})

/**
 * From the first publish to the last receipt at the boxes: the real collector process, its embedded broker,
 * mutual TLS, one batch of a box in flight. Entries were made and signed before the clock starts.
 */
export const ingest: Measurement = {
  name: 'ingest',
  rows: [
    row('ingest-backlog', '接收到回执，补传批 500 条', 'ingest to receipt, batches of 500', 0.5),
    row('ingest-live', '接收到回执，2000 台每批 1 条', 'ingest to receipt, batches of 1 from 2,000 boxes', 0.08),
    row('projection', '接收到可查询（开封、关联）', 'ingest to queryable (opened, tied)', 0.15),
  ],
  prepare: prepareIngest,
}

async function prepareIngest(place: Workplace): Promise<Subject> {
  const names = (kind: string, count: number) => Array.from({ length: count }, (_, i) => `bench-${kind}-${i}`)
  const [backlogNames, liveNames] = [names('backlog', BACKLOG.boxes), names('live', LIVE.boxes)]
  const identities = await place.identities([...backlogNames, ...liveNames])
  const collector = await startCollectorProcess(place, identities)
  const counting = await startCountingBroker(place, identities, { hasConsumer: true })
  const connect = (box: string) => openCounter(box, identities.boxes[box]!, place.brokerPort)
  const backlogBoxes = await inGroups(backlogNames, connect)
  const liveBoxes = await inGroups(liveNames, connect)
  const publisherBox = liveNames[0]!
  const publisher = await connectAs(publisherBox, identities.boxes[publisherBox]!, counting.port)
  const payload = Buffer.alloc(REFERENCE.payloadBytes, 0x5a)
  let counted = 0

  return {
    async ours() {
      const backlog = await inGroups(backlogBoxes, box => box.make(BACKLOG.batches, BACKLOG.entries))
      await collector.projected()
      const startedMs = performance.now()
      const backlogMs = await sendAll(backlog)
      await collector.projected()
      const projectedMs = performance.now() - startedMs
      const live = await inGroups(liveBoxes, box => box.make(LIVE.batches, LIVE.entries))
      await collector.projected()
      const liveMs = await sendAll(live)
      // What follows behind the receipts must not run beside the reference.
      await collector.projected()
      const [backlogEntries, liveEntries] = [BACKLOG, LIVE].map(
        ({ boxes, batches, entries }) => boxes * batches * entries,
      )
      return [
        perSecond(backlogEntries!, backlogMs),
        perSecond(liveEntries!, liveMs),
        perSecond(backlogEntries!, projectedMs),
      ]
    },
    async reference() {
      const { count, inFlight } = REFERENCE
      counted += count
      const startedMs = performance.now()
      const all = counting.counted(counted)
      await flood(publisher, { topic: upTopic(publisherBox, 'batch'), payload, count, inFlight })
      await all
      const rate = perSecond(count, performance.now() - startedMs)
      return [rate, rate, rate]
    },
    async close() {
      for (const box of [...backlogBoxes, ...liveBoxes]) box.end()
      publisher.end(true)
      await counting.stop()
      await collector.stop()
    },
  }
}

const perSecond = (count: number, ms: number) => (count * 1000) / ms

interface LoadedBox {
  /** Sends its batches one after another, each when the receipt of the one before is there. */
  send(): Promise<Uint8Array>
  lastSeq: number
  receiptKey: KeyObject
}

interface ConnectedBox {
  end(): void
  make(batches: number, entries: number): Promise<LoadedBox>
}

async function openCounter(box: string, folder: string, port: number): Promise<ConnectedBox> {
  const boxKey = createPrivateKey(readFileSync(join(folder, 'box.key')))
  const { collector } = parse(readFileSync(join(folder, 'enrolment.yaml'), 'utf8'))
  const receiptKey = createPublicKey(collector.signingKey)
  const paper = await createPaperBox(box, boxKey, collector.openingKey)
  const light = await openLightBox(box, folder, port)
  return {
    end: light.end,
    async make(batches, entries) {
      const made = await makeBatches(paper, batches, entries)
      return { receiptKey, lastSeq: made.at(-1)!.lastSeq, send: () => sendInTurn(light, made) }
    },
  }
}

async function makeBatches(paper: PaperBox, batches: number, entries: number): Promise<MadeBatch[]> {
  const made: MadeBatch[] = []
  while (made.length < batches) made.push(await paper.batch(entries))
  return made
}

/** Resolves with the last receipt. */
async function sendInTurn(box: LightBox, batches: readonly MadeBatch[]): Promise<Uint8Array> {
  let receipt: Uint8Array | undefined
  for (const { bytes } of batches) receipt = await box.send(bytes)
  return receipt!
}

/** How long until every box has its last receipt. That each says what it should is checked off the clock. */
async function sendAll(boxes: readonly LoadedBox[]): Promise<number> {
  const startedMs = performance.now()
  const receipts = await Promise.all(boxes.map(box => box.send()))
  const tookMs = performance.now() - startedMs
  for (const [i, { lastSeq, receiptKey }] of boxes.entries()) {
    const receipt = readReceipt(receipts[i]!, receiptKey)
    if (!receipt.ok || receipt.value.seq !== lastSeq) throw new Error('a box did not get the receipt of its last entry')
  }
  return tookMs
}

/** Side by side, but not all at once: TLS handshakes of a whole city at once are another measurement. */
async function inGroups<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const done: R[] = []
  for (let at = 0; at < items.length; at += CONNECTING_MAX) {
    done.push(...(await Promise.all(items.slice(at, at + CONNECTING_MAX).map(work))))
  }
  return done
}
