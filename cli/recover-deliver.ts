import { randomBytes } from 'node:crypto'
import type { Identity } from '#agent/identity.ts'
import type { Card } from '#agent/journal/card.ts'
import { createUplink, type UplinkChain } from '#agent/uplink/uplink.ts'
import { CHAIN_START } from '#protocol/chain.ts'
import { fail } from '#protocol/result.ts'
import { downTopic, upTopic } from '#protocol/topics.ts'
import { createMqttConnection } from '#runtime/mqtt-connection.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import { createProgressLine } from './progress-line.ts'
import type { Terminal } from './terminal.ts'

/** As a box does, but somebody waits: tried again sooner. */
const TIMING = { retryMsMin: 1_000, retryMsMax: 10_000, keepaliveMs: 30_000, connectMs: 10_000 }

/** What is left without a receipt when it ends, and why it ended. */
export interface Delivered {
  delivered: number
  left: number
  why: 'delivered' | 'no-progress' | 'not-taken' | 'interrupted'
}

/** After the collector has said that it has another continuation of a journal: what else there is moves on, or nothing does. */
const CONTRADICTED_PATIENCE_MS = 10_000

/** Sends a card as its box would, until everything has its receipt or nothing has moved for `patienceMs`. */
export async function deliverCard(
  card: Card,
  identity: Identity,
  options: { broker: string; patienceMs: number; terminal: Terminal },
): Promise<Delivered> {
  const { say } = options.terminal
  const clock = createSystemClock()
  const line = createProgressLine(process.stderr)
  const { box, boxKey, receiptKey, tls } = identity
  const past = card.chains.map(({ chain }) => chain)
  const all = past.reduce((sum, chain) => sum + chain.backlog(), 0)
  let { patienceMs } = options
  let isContradicted = false
  let cancelPatience = () => {}
  let end = (_: Delivered) => {}
  const ended = new Promise<Delivered>(resolve => {
    end = resolve
  })

  function progress() {
    const left = uplink.backlog()
    line.show(say({ zh: '已有回执', en: 'receipted' }), all - left, all)
    cancelPatience()
    if (left === 0) return stop('delivered')
    cancelPatience = clock.after(patienceMs, () => stop(isContradicted ? 'not-taken' : 'no-progress'))
  }

  function stop(why: Delivered['why']) {
    const left = uplink.backlog()
    end({ delivered: all - left, left, why })
  }

  const uplink = createUplink({
    clock,
    journal: noJournal(),
    past: () => past,
    box,
    boxKey,
    receiptKey,
    sendBatch: bytes => connection.publish(upTopic(box, 'batch'), bytes),
    onProgress: progress,
    onCollectorTime() {},
    onResend() {},
  })
  const receiptTopic = downTopic(box, 'receipt')
  const connection = createMqttConnection({
    clock,
    random: Math.random,
    url: options.broker,
    tls,
    clientId: box,
    topics: [receiptTopic],
    timing: TIMING,
    onUp: uplink.linkUp,
    onDown(reason) {
      uplink.linkDown()
      process.stderr.write(`${say({ zh: `未连接：${reason}`, en: `not connected: ${reason}` })}\n`)
    },
    onMessage(topic, bytes) {
      if (topic !== receiptTopic) return
      const taken = uplink.receiptArrived(bytes)
      if (taken.ok || taken.error.code !== 'receipt-differs') return
      isContradicted = true
      patienceMs = Math.min(patienceMs, CONTRADICTED_PATIENCE_MS)
      progress()
    },
  })
  const interrupt = () => stop('interrupted')
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  progress()
  const result = await ended
  process.off('SIGINT', interrupt)
  process.off('SIGTERM', interrupt)
  cancelPatience()
  uplink.stop()
  await connection.stop()
  line.end()
  return result
}

/** A card has no journal that grows. */
const noJournal = (): UplinkChain => ({
  epoch: randomBytes(16),
  newest: () => ({ seq: 0 }),
  receiptedSeq: () => 0,
  backlog: () => 0,
  read: () => ({ first: 0, previous: CHAIN_START, entries: [], last: CHAIN_START }),
  receipt: () => fail('receipt-unknown', 'a card has no journal that grows'),
})
