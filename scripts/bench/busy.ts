import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { pressByHttp } from '#scripts/campaign/peers/peer.ts'
import { startProcess } from '#scripts/campaign/peers/process.ts'
import { MOSQUITTO } from '#scripts/mosquitto.ts'
import { freePort } from '#scripts/ports.ts'
import { untilState } from './agent-process.ts'
import { startCollectorProcess } from './collector-process.ts'
import { writeLongJournal } from './long-journal.ts'
import type { Measurement, Subject } from './measurement.ts'
import { startPadBox } from './pad-box.ts'
import { quantile } from './statistics.ts'
import type { Workplace } from './workplace.ts'

const BOX = 'bench-busy'
const BACKLOG = 50_000
/** Enough that the worst of them is not the 99th of a hundred alone; a drain that ends before ends the count. */
const PRESSES_MAX = 200
/** As long as a press of ours waits for its pad. */
const PAUSE_MS = 25

const PLAIN_AGENT = join(import.meta.dirname, '../campaign/peers/plain-agent.ts')

/**
 * Presses while a backlog drains: p99 from the byte of the key to the first byte of the thanks, beside the same box
 * without a backlog, and beside a plain agent that drains as many (its press is a request over loopback).
 */
export const busy: Measurement = {
  name: 'busy',
  rows: [
    {
      name: 'busy-p99',
      title: { zh: '补传 5 万条期间的按键到致谢 p99', en: 'press to thanks while 50,000 entries drain, p99' },
      against: { zh: '同一盒子无积压时 p99', en: 'the same box without a backlog, p99' },
      unit: 'ms',
      better: 'lower',
      goal: 2,
    },
    {
      name: 'busy-plain',
      title: { zh: '补传 5 万条期间的按键到致谢 p99', en: 'press to thanks while 50,000 entries drain, p99' },
      against: { zh: '六十行普通程序补传同样多时 p99', en: 'a plain sixty-line agent that drains as many, p99' },
      unit: 'ms',
      better: 'lower',
      goal: 0.33,
    },
  ],
  prepare: prepareBusy,
}

async function prepareBusy(place: Workplace): Promise<Subject> {
  const identities = await place.identities([BOX])
  const identity = identities.boxes[BOX]!

  async function ours(backlog: number): Promise<number> {
    const folder = place.folder('busy')
    mkdirSync(join(folder, 'journal'), { mode: 0o700 })
    if (backlog > 0) writeLongJournal(join(folder, 'journal'), BOX, backlog)
    const collector = await startCollectorProcess(place, identities, { isElsewhere: true })
    await collector.projected()
    const box = await startPadBox(place, folder, identity)
    await untilState(box.agent.url, state => state.link === 'online')
    let isDrained = false
    untilState(box.agent.url, state => state.backlog === 0).then(
      () => {
        isDrained = true
      },
      () => {}, // Stopped before: there were presses enough.
    )
    const tookMs: number[] = []
    const isEnough = () => tookMs.length >= PRESSES_MAX || (isDrained && backlog > 0)
    try {
      while (!isEnough()) tookMs.push(await box.press())
    } finally {
      await box.stop()
    }
    await collector.stop()
    return quantile(tookMs, 0.99)
  }

  async function plain(): Promise<number> {
    const folder = place.folder('plain')
    const [port, brokerPort] = [await freePort(), await freePort()]
    const file = join(folder, 'ratings.db')
    const broker = await startProcess([MOSQUITTO, '-v', '-p', `${brokerPort}`], line => line.endsWith('running'))
    const stopBroker = place.keep(broker.kill)
    const waiting = fillPlain(file)
    const command = [process.execPath, PLAIN_AGENT, file, `mqtt://127.0.0.1:${brokerPort}`, `${port}`] as const
    const agent = await startProcess(command, line => line === 'ready')
    const stopAgent = place.keep(agent.kill)
    const tookMs: number[] = []
    while (tookMs.length < PRESSES_MAX && waiting.count() > 1) {
      const startedMs = performance.now()
      await pressByHttp(`http://127.0.0.1:${port}/`, BACKLOG + 1 + tookMs.length)
      tookMs.push(performance.now() - startedMs)
      await delay(PAUSE_MS)
    }
    waiting.close()
    await stopAgent()
    await stopBroker()
    return quantile(tookMs, 0.99)
  }

  return {
    async ours() {
      const busyMs = await ours(BACKLOG)
      return [busyMs, busyMs]
    },
    reference: async () => [await ours(0), await plain()],
    close: () => Promise.resolve(),
  }
}

/** The backlog of the plain agent: a row for each rating. */
function fillPlain(file: string) {
  const database = new Database(file)
  database.pragma('journal_mode = WAL')
  database.exec('CREATE TABLE rating (id INTEGER PRIMARY KEY, grade TEXT NOT NULL, at INTEGER NOT NULL)')
  const insert = database.prepare('INSERT INTO rating VALUES (?, ?, ?)')
  database.transaction(() => {
    for (let id = 1; id <= BACKLOG; id++) insert.run(id, 'satisfied', Date.now())
  })()
  const count = database.prepare('SELECT count(*) FROM rating').pluck()
  return { count: () => count.get() as number, close: () => database.close() }
}
