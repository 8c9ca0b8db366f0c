import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto'
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { openJournal } from '#agent/journal/journal.ts'
import { createSealer } from '#protocol/sealing.ts'
import { upTopic } from '#protocol/topics.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import { startAgentProcess, untilState, writeAgentConfiguration } from './agent-process.ts'
import { connectAs, flood } from './box-client.ts'
import { startCollectorProcess } from './collector-process.ts'
import { startCountingBroker } from './counting-broker.ts'
import { openLightBox } from './light-box.ts'
import type { Measurement, Subject } from './measurement.ts'
import { createPaperBox, createSessionMaker, fillJournal, type MadeBatch } from './sessions.ts'
import type { Workplace } from './workplace.ts'

const ENTRIES = 20_000
const BOX = 'bench-drain'
/** What another box sends first, so that the collector is one that runs and not one that compiles itself. */
const WARMING = { box: 'bench-warm', batches: 10, entries: 500 }

/**
 * A box that comes back with a backlog: from the moment its link is up until the collector has committed
 * everything and the box has the receipts. The reference stores nothing and proves nothing.
 */
export const drain: Measurement = {
  name: 'drain',
  rows: [
    {
      name: 'drain',
      title: { zh: '补传 20 000 条直到全部有回执', en: 'draining 20,000 entries until all have receipts' },
      against: { zh: 'mqtt.js 直接发布，64 在途', en: 'raw mqtt.js publishing, 64 in flight' },
      unit: 'entries/s',
      better: 'higher',
      goal: 0.4,
    },
  ],
  prepare: prepareDrain,
}

async function prepareDrain(place: Workplace): Promise<Subject> {
  const identities = await place.identities([BOX, WARMING.box])
  const warming = await makeWarming(identities.boxes[WARMING.box]!)
  const identity = identities.boxes[BOX]!
  const backlog = await makeBacklog(place.folder('backlog'), identity)
  const counting = await startCountingBroker(place, identities, { hasConsumer: false })
  const publisher = await connectAs(BOX, identity, counting.port)
  const message = { topic: upTopic(BOX, 'batch'), payload: Buffer.alloc(300, 0x5a), count: ENTRIES, inFlight: 64 }

  return {
    /** Every round the same box meets a collector that has nothing yet. */
    async ours() {
      const folder = place.folder('drain')
      cpSync(backlog, join(folder, 'journal'), { recursive: true })
      const configuration = writeAgentConfiguration(folder, { identity, port: '/dev/no-such-pad', logLevel: 'info' })
      const collector = await startCollectorProcess(place, identities)
      await warm(identities.boxes[WARMING.box]!, place.brokerPort, warming)
      await collector.projected()
      const agent = await startAgentProcess(place, configuration)
      const up = agent.line(line => line.includes('"msg":"link-up"')).then(() => performance.now())
      await untilState(agent.url, state => state.link === 'online' && state.backlog === 0)
      const tookMs = performance.now() - (await up)
      await agent.stop()
      await collector.stop()
      return [(ENTRIES * 1000) / tookMs]
    },
    async reference() {
      const startedMs = performance.now()
      await flood(publisher, message)
      return [(ENTRIES * 1000) / (performance.now() - startedMs)]
    },
    async close() {
      publisher.end(true)
      await counting.stop()
    },
  }
}

/** The first batches of a box. Every new collector takes them. */
async function makeWarming(identity: string): Promise<MadeBatch[]> {
  const { collector } = parse(readFileSync(join(identity, 'enrolment.yaml'), 'utf8'))
  const boxKey = createPrivateKey(readFileSync(join(identity, 'box.key')))
  const paper = await createPaperBox(WARMING.box, boxKey, collector.openingKey)
  const made: MadeBatch[] = []
  while (made.length < WARMING.batches) made.push(await paper.batch(WARMING.entries))
  return made
}

async function warm(identity: string, port: number, batches: readonly MadeBatch[]): Promise<void> {
  const box = await openLightBox(WARMING.box, identity, port)
  for (const { bytes } of batches) await box.send(bytes)
  box.end()
}

/** A journal as a box has it after weeks without a link. */
async function makeBacklog(directory: string, identity: string): Promise<string> {
  const { collector } = parse(readFileSync(join(identity, 'enrolment.yaml'), 'utf8'))
  const opened = openJournal({ directory, box: BOX, clock: createSystemClock(), randomBytes })
  if (!opened.ok) throw new Error(opened.error.detail)
  const journal = opened.value
  const sealer = await createSealer(createPublicKey(collector.openingKey))
  fillJournal(journal, await createSessionMaker(BOX, sealer)(ENTRIES / 2))
  journal.checkpoint()
  journal.close()
  return directory
}
