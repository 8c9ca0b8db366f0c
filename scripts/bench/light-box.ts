import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { downTopic, upTopic } from '#protocol/topics.ts'

/**
 * A box's connection reduced to what goes over the wire (MQTT 3.1.1 over mutual TLS, QoS 1): thousands of them in
 * one process take little from the collector they are to press. One batch at a time; whatever comes down is a receipt.
 */
export interface LightBox {
  /** Resolves with the bytes of the next receipt. */
  send(batch: Uint8Array): Promise<Buffer>
  end(): void
}

/** First bytes of packets that go out, and types of those that come in (MQTT 3.1.1 section 2.2). */
const CONNECT = 0x10
const PUBLISH_ONCE_AT_LEAST = 0x32
const PUBACK = 0x40
const SUBSCRIBE = 0x82
const CONNACK_TYPE = 2
const PUBLISH_TYPE = 3
const SUBACK_TYPE = 9

/** Connects as the box whose key and certificate lie in `folder`, and listens for its receipts. */
export async function openLightBox(box: string, folder: string, port: number): Promise<LightBox> {
  const file = (name: string) => readFileSync(join(folder, name))
  const tls = { ca: file('ca.crt'), cert: file('box.crt'), key: file('box.key') }
  const socket = connect({ host: '127.0.0.1', port, ...tls })
  socket.setNoDelay(true)
  await once(socket, 'secureConnect')
  const topic = string(upTopic(box, 'batch'))
  let packetId = 1
  let waiting: { type: number; resolve(body: Buffer): void; reject(error: Error): void } | undefined

  const read = createPacketReader((type, body) => {
    if (type === waiting?.type) waiting.resolve(body)
  })
  socket.on('data', read)
  socket.on('error', () => {}) // It closes behind that.
  socket.once('close', () => waiting?.reject(new Error(`the broker cut ${box} off`)))

  /** Sends a packet and resolves with the body of the next one of a type that comes. */
  function exchange(sent: Buffer, type: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      waiting = { type, resolve, reject }
      socket.write(sent)
    })
  }

  const cleanWithoutKeepAlive = Buffer.of(4, 2, 0, 0)
  await exchange(packet(CONNECT, string('MQTT'), cleanWithoutKeepAlive, string(box)), CONNACK_TYPE)
  await exchange(packet(SUBSCRIBE, Buffer.of(0, 1), string(downTopic(box, 'receipt')), Buffer.of(1)), SUBACK_TYPE)
  return {
    async send(batch) {
      packetId = (packetId % 0xffff) + 1
      const id = Buffer.of(packetId >> 8, packetId & 0xff)
      const body = await exchange(packet(PUBLISH_ONCE_AT_LEAST, topic, id, batch), PUBLISH_TYPE)
      const idAt = 2 + body.readUInt16BE(0)
      socket.write(packet(PUBACK, body.subarray(idAt, idAt + 2)))
      return body.subarray(idAt + 2)
    },
    end: () => socket.destroy(),
  }
}

/** A text with its length in front (MQTT 3.1.1 section 1.5.3). */
function string(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 0xff), bytes])
}

function packet(first: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  const length: number[] = []
  // Seven bits a byte, the lowest first (section 2.2.3).
  for (let left = body.length; ; left >>= 7) {
    if (left < 0x80) {
      length.push(left)
      return Buffer.concat([Buffer.of(first, ...length), body])
    }
    length.push((left & 0x7f) | 0x80)
  }
}

/** Cuts what arrives into packets, however it was split. */
function createPacketReader(take: (type: number, body: Buffer) => void): (chunk: Buffer) => void {
  let pending: Buffer = Buffer.alloc(0)
  return chunk => {
    pending = pending.length > 0 ? Buffer.concat([pending, chunk]) : chunk
    for (;;) {
      let [length, at] = [0, 1]
      for (; at < pending.length; at++) {
        length += (pending[at]! & 0x7f) << (7 * (at - 1))
        if (pending[at]! < 0x80) break
      }
      const end = at + 1 + length
      if (at >= pending.length || end > pending.length) return
      take(pending[0]! >> 4, pending.subarray(at + 1, end))
      pending = pending.subarray(end)
    }
  }
}
