import type { KeyObject } from 'node:crypto'
import { BATCH_BYTES_MAX } from './batch.ts'
import { fromHex, toHex } from './codec.ts'
import { createSuite, importRecipient, openingKeyId, toArrayBuffer } from './hpke.ts'
import { fail, ok, type Result } from './result.ts'

/**
 * A parcel (摆渡包) carries a box's signed batches where there is no link: one file, sealed to the collector's
 * opening key. In the clear it says what it is, its version and the id of that key; of the rest only the size
 * shows, in steps of a chunk. Sealed piece by piece in one HPKE context, so neither end ever holds it whole.
 */
export const PARCEL_CHUNK_BYTES = 16 * 1024

const HEADER = /^chuangping parcel v1 ([0-9a-f]{16})\n$/
const HEADER_BYTES = 'chuangping parcel v1 0123456789abcdef\n'.length
const ENC_BYTES = 32
const SEALED_CHUNK_BYTES = PARCEL_CHUNK_BYTES + 16
const LENGTH_BYTES = 4
/** The associated data of a chunk: whether others follow. So a file cut between two chunks shows. */
const MORE_FOLLOW = toArrayBuffer(Uint8Array.of(0))
const LAST = toArrayBuffer(Uint8Array.of(1))

/** Why a parcel cannot be read, or no further. `detail` says where. */
export interface ParcelFault {
  code:
    | 'not-a-parcel'
    | 'unknown-version'
    | 'unknown-opening-key'
    /** It ends before its end. */
    | 'parcel-cut'
    /** A chunk is not as it was sealed, or not where it was, or of another parcel. */
    | 'parcel-altered'
    /** It opens, but whoever made it did not keep to the form. */
    | 'parcel-not-valid'
  detail: string
}

/** Whether a file that begins with these bytes says that it is a parcel, of whatever version. */
export const isParcel = (start: Uint8Array): boolean => /^chuangping parcel v/.test(latin1(start))

/** The bytes of a parcel of these items (batches), piece by piece. Needs one chunk and one item of memory. */
export async function* sealParcel(
  openingKey: KeyObject,
  items: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const header = Buffer.from(`chuangping parcel v1 ${toHex(openingKeyId(openingKey))}\n`)
  const recipientPublicKey = await importRecipient(openingKey)
  const sender = await createSuite().createSenderContext({ recipientPublicKey, info: toArrayBuffer(header) })
  yield Buffer.concat([header, new Uint8Array(sender.enc)])
  const chunk = Buffer.alloc(PARCEL_CHUNK_BYTES)
  let used = 0
  for await (const item of items) {
    if (item.length === 0 || item.length > BATCH_BYTES_MAX) throw new Error(`an item of ${item.length} bytes`)
    for (const part of [lengthOf(item), item]) {
      for (let from = 0; from < part.length; ) {
        if (used === chunk.length) {
          // Only now is it known that others follow.
          yield new Uint8Array(await sender.seal(toArrayBuffer(chunk), MORE_FOLLOW))
          used = 0
        }
        const taken = Math.min(part.length - from, chunk.length - used)
        chunk.set(part.subarray(from, from + taken), used)
        used += taken
        from += taken
      }
    }
  }
  yield new Uint8Array(await sender.seal(toArrayBuffer(chunk.fill(0, used)), LAST))
}

/**
 * The items of a parcel, as they come out. Where it cannot be read further a fault comes instead, the last thing:
 * every item before it was whole. Needs a few chunks and one item of memory, whatever the source says.
 */
export async function* readParcel(
  source: AsyncIterable<Uint8Array>,
  keyOf: (id: Uint8Array) => Promise<CryptoKey | undefined> | CryptoKey | undefined,
): AsyncGenerator<Result<Uint8Array, ParcelFault>, void, undefined> {
  const blocks = blocksOf(source, HEADER_BYTES + ENC_BYTES, SEALED_CHUNK_BYTES)
  const start = await blocks.next()
  const opened = start.done ? fail('not-a-parcel', 'there is nothing in it') : await openHeader(start.value, keyOf)
  if (!opened.ok) return yield opened
  const items = createItemReader()
  for await (const block of blocks) {
    const chunk = await openChunk(opened.value, block)
    if (!chunk.ok) return yield chunk
    for (const item of items.take(chunk.value)) yield item
    if (items.isBroken()) return
  }
  const unfinished = items.end()
  if (unfinished) yield unfinished
}

interface ChunkOpener {
  open(chunk: ArrayBuffer, context: ArrayBuffer): Promise<ArrayBuffer>
}

async function openHeader(
  { bytes, isLast }: Block,
  keyOf: (id: Uint8Array) => Promise<CryptoKey | undefined> | CryptoKey | undefined,
): Promise<Result<ChunkOpener, ParcelFault>> {
  if (!isParcel(bytes)) return fail('not-a-parcel', 'it does not begin with "chuangping parcel"')
  const header = bytes.subarray(0, HEADER_BYTES)
  const id = HEADER.exec(latin1(header))?.[1]
  if (!id) {
    const version = /^chuangping parcel v(\d{1,5})[ \n]/.exec(latin1(bytes))?.[1]
    if (version && version !== '1') return fail('unknown-version', `it is of version ${version}, this reads version 1`)
    return bytes.length < HEADER_BYTES
      ? fail('parcel-cut', `it ends in its first line, after ${bytes.length} bytes`)
      : fail('not-a-parcel', 'its first line is not that of a parcel')
  }
  if (isLast) return fail('parcel-cut', `it ends before its first chunk, after ${bytes.length} bytes`)
  const recipientKey = await keyOf(fromHex(id))
  if (!recipientKey) return fail('unknown-opening-key', `it is sealed to key ${id}, which this collector does not hold`)
  try {
    const enc = toArrayBuffer(bytes.subarray(HEADER_BYTES))
    return ok(await createSuite().createRecipientContext({ recipientKey, enc, info: toArrayBuffer(header) }))
  } catch {
    // A point of low order: no sender makes one.
    return fail('parcel-altered', 'its header does not open')
  }
}

async function openChunk(opener: ChunkOpener, block: Block): Promise<Result<Buffer, ParcelFault>> {
  const { bytes, isLast, number, at } = block
  const where = `chunk ${number} (bytes ${at} to ${at + bytes.length - 1})`
  if (bytes.length < SEALED_CHUNK_BYTES) return fail('parcel-cut', `it ends inside ${where}`)
  const plain = await tryOpen(opener, bytes, isLast ? LAST : MORE_FOLLOW)
  if (plain) return ok(plain)
  if (!(await tryOpen(opener, bytes, isLast ? MORE_FOLLOW : LAST))) {
    return fail('parcel-altered', `${where} does not open: it was changed, moved, or is of another parcel`)
  }
  return isLast
    ? fail('parcel-cut', `it ends after ${where}, which says that others follow`)
    : fail('parcel-altered', `there are bytes behind ${where}, which says that it is the last`)
}

/** The library counts a chunk only when it opened, and throws one kind of error for every cause. */
async function tryOpen(opener: ChunkOpener, bytes: Uint8Array, context: ArrayBuffer): Promise<Buffer | undefined> {
  try {
    return Buffer.from(await opener.open(toArrayBuffer(bytes), context))
  } catch {
    return undefined
  }
}

/** Puts items together that lie across chunks: length (4 bytes), item, and zeros behind the last. */
function createItemReader() {
  let held: Buffer = Buffer.alloc(0)
  let isAtEnd = false
  let isBroken = false

  function broken(detail: string): Result<never, ParcelFault> {
    isBroken = true
    return fail('parcel-not-valid', detail)
  }

  return {
    *take(chunk: Buffer): Generator<Result<Uint8Array, ParcelFault>> {
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
      while (!isAtEnd && held.length >= LENGTH_BYTES) {
        const length = held.readUInt32BE()
        if (length > BATCH_BYTES_MAX)
          return yield broken(`it holds an item of ${length} bytes, at most ${BATCH_BYTES_MAX}`)
        isAtEnd = length === 0
        if (isAtEnd || held.length < LENGTH_BYTES + length) break
        yield ok(held.subarray(LENGTH_BYTES, LENGTH_BYTES + length))
        held = held.subarray(LENGTH_BYTES + length)
      }
      if (!isAtEnd) return
      if (held.some(byte => byte !== 0)) yield broken('there is something behind its last item')
      held = Buffer.alloc(0)
    },
    isBroken: () => isBroken,
    end: () => (held.some(byte => byte !== 0) ? broken('its last item is not whole') : undefined),
  }
}

interface Block {
  bytes: Buffer
  /** Of the chunk, from 1; 0 is the header. */
  number: number
  /** Where in the file. */
  at: number
  isLast: boolean
}

/** A source in blocks, the first of another size. Only the last may be shorter; it is never empty but of nothing. */
async function* blocksOf(
  source: AsyncIterable<Uint8Array>,
  firstBytes: number,
  restBytes: number,
): AsyncGenerator<Block> {
  let held: Buffer = Buffer.alloc(0)
  let [number, at] = [0, 0]
  for await (const piece of source) {
    held = Buffer.concat([held, piece])
    for (let size = number === 0 ? firstBytes : restBytes; held.length > size; size = restBytes) {
      yield { bytes: held.subarray(0, size), number, at, isLast: false }
      held = held.subarray(size)
      number += 1
      at += size
    }
  }
  if (held.length > 0) yield { bytes: held, number, at, isLast: true }
}

function lengthOf(item: Uint8Array): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32BE(item.length)
  return length
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
