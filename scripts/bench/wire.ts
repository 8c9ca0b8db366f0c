import { generateKeyPairSync, randomBytes, randomInt } from 'node:crypto'
import { join } from 'node:path'
import { openJournal } from '#agent/journal/journal.ts'
import { createUplink } from '#agent/uplink/uplink.ts'
import { decodeBatch } from '#protocol/batch.ts'
import { createSealer } from '#protocol/sealing.ts'
import { upTopic } from '#protocol/topics.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import type { Measurement, Subject } from './measurement.ts'
import { createSessionMaker, fillJournal } from './sessions.ts'
import type { Workplace } from './workplace.ts'

const SESSIONS = 250
const BOX = 'box-a01'

const against = { zh: '一条 JSON 评价的发布报文', en: 'one JSON rating, published' }

/** What the network carries for a backlog: MQTT PUBLISH packets upwards, without TLS and TCP on either side. */
export const wire: Measurement = {
  name: 'wire',
  rows: [
    {
      name: 'wire-entry',
      title: { zh: '补传时每条目的线上字节', en: 'bytes on the wire per entry, draining' },
      against,
      unit: 'bytes',
      better: 'lower',
      goal: 0.6,
    },
    {
      name: 'wire-rating',
      title: { zh: '补传时每次评价（邀评 + 评价两条目）', en: 'the same per rating (a prompt and a rating entry)' },
      against,
      unit: 'bytes',
      better: 'lower',
      goal: null,
    },
  ],
  prepare: prepareWire,
}

async function prepareWire(place: Workplace): Promise<Subject> {
  const opening = generateKeyPairSync('x25519')
  const signing = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const clock = createSystemClock()
  const make = createSessionMaker(BOX, await createSealer(opening.publicKey))

  /** The first batch that the real uplink cuts from a journal with a backlog. */
  async function firstBatch(): Promise<Uint8Array> {
    const opened = openJournal({ directory: join(place.folder('wire'), 'journal'), box: BOX, clock, randomBytes })
    if (!opened.ok) throw new Error(opened.error.detail)
    fillJournal(opened.value, await make(SESSIONS))
    let sent = new Uint8Array()
    const uplink = createUplink({
      clock,
      journal: opened.value,
      box: BOX,
      boxKey: signing.privateKey,
      receiptKey: signing.publicKey,
      sendBatch: bytes => {
        sent = new Uint8Array(bytes)
      },
      onProgress: () => {},
      onCollectorTime: () => {},
      onResend: () => {},
    })
    uplink.linkUp()
    uplink.stop()
    opened.value.close()
    return sent
  }

  return {
    async ours() {
      const bytes = await firstBatch()
      const batch = decodeBatch(bytes)
      if (!batch.ok) throw new Error(batch.error.detail)
      const each = publishBytes(upTopic(BOX, 'batch'), bytes.length) / batch.value.entries.length
      return [each, 2 * each]
    },
    reference() {
      const plain = publishBytes('eval/counter/box-a01', Buffer.byteLength(plainRating()))
      return Promise.resolve([plain, plain])
    },
    close: () => Promise.resolve(),
  }
}

/** A PUBLISH packet at QoS 1 (MQTT 3.1.1 section 3.3): type, remaining length, topic, packet id, payload. */
export function publishBytes(topic: string, payloadBytes: number): number {
  const rest = 2 + Buffer.byteLength(topic) + 2 + payloadBytes
  return 1 + Math.max(1, Math.ceil((32 - Math.clz32(rest)) / 7)) + rest
}

/** What a plain agent sends for one rating: fifteen readable fields in 304 bytes, one a hash, none sealed. */
export function plainRating(): string {
  return JSON.stringify({
    id: randomBytes(16).toString('hex'),
    box: BOX,
    area: '370102',
    hall: 'H01',
    window: 'A01',
    clerk: 'c102',
    case: '370000202611240001',
    service: 1,
    item: '00013201',
    grade: 1 + randomInt(5),
    via: 'pad',
    at: new Date().toISOString(),
    seq: 1000 + randomInt(9000),
    version: 1,
    hash: randomBytes(32).toString('base64url'),
  })
}
