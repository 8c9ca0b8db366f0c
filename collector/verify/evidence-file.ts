import { createPublicKey, type KeyObject } from 'node:crypto'
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import Type from 'typebox'
import { createWireForm } from '#protocol/codec.ts'
import { BytesBetween, CountSchema } from '#protocol/names.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { type BatchItem, createBatchItem, packedParts, readPacked } from './batch-item.ts'
import type { StoreSource } from './store-source.ts'

/**
 * Evidence in one file, to be checked where the store is not: a CBOR sequence (RFC 8742) of byte strings. The
 * first holds a header, the last a trailer, each between them one kept batch with its entries
 * (docs/evidence.md).
 */
const strict = { additionalProperties: false } as const
const HeaderSchema = Type.Object(
  {
    format: Type.Literal('chuangping evidence'),
    version: Type.Literal(1),
    key: BytesBetween(59, 200, 'SubjectPublicKeyInfo of the collector, DER'),
  },
  strict,
)
const TrailerSchema = Type.Object({ batches: CountSchema('Batches'), entries: CountSchema('Entries') }, strict)
const headerForm = createWireForm('header', HeaderSchema)
const trailerForm = createWireForm('trailer', TrailerSchema)

/** No batch is longer: 500 entries of 8 KiB with their hashes, and its own lines. */
const ITEM_BYTES_MAX = 8 * 1024 * 1024
const BUFFER_BYTES = 4 * 1024 * 1024

/** Writes all evidence of a store, in the order of commit. Fails at a batch that is not as it should be. */
export function writeEvidenceFile(
  source: StoreSource,
  path: string,
  collectorKey: KeyObject,
  onProgress: (entries: number) => void = () => {},
): Result<{ batches: number; entries: number }> {
  const key = new Uint8Array(collectorKey.export({ format: 'der', type: 'spki' }))
  const writer = createWriter(path)
  let [batches, entries] = [0, 0]
  try {
    writer.write(headerForm.encode({ format: 'chuangping evidence', version: 1, key }))
    for (const item of source.batches(1, Number.MAX_SAFE_INTEGER)) {
      if ('isUnreadable' in item) {
        rmSync(path)
        return fail('store-not-exportable', `the batch at position ${item.first_position} is not whole: run verify`)
      }
      writer.write(Buffer.concat(packedParts(item)))
      batches += 1
      entries += item.count
      onProgress(item.count)
    }
    writer.write(trailerForm.encode({ batches, entries }))
    return ok({ batches, entries })
  } finally {
    writer.close()
  }
}

function createWriter(path: string) {
  const file = openSync(path, 'wx', 0o600)
  const buffer = Buffer.allocUnsafe(BUFFER_BYTES)
  let filled = 0

  function flush() {
    writeSync(file, buffer, 0, filled)
    filled = 0
  }

  return {
    write(bytes: Uint8Array) {
      if (filled + bytes.length + 5 > buffer.length) flush()
      filled += writeHead(buffer, filled, bytes.length)
      if (bytes.length > buffer.length - filled) {
        flush()
        writeSync(file, bytes)
        return
      }
      buffer.set(bytes, filled)
      filled += bytes.length
    },
    close() {
      flush()
      closeSync(file)
    },
  }
}

/** The head of a byte string in its shortest form (RFC 8949 section 4.2.1). */
function writeHead(buffer: Buffer, at: number, length: number): number {
  if (length < 24) buffer.writeUInt8(0x40 + length, at)
  else if (length < 0x100) buffer.writeUInt16BE(0x5800 + length, at)
  else if (length < 0x10000) {
    buffer.writeUInt8(0x59, at)
    buffer.writeUInt16BE(length, at + 1)
    return 3
  } else {
    buffer.writeUInt8(0x5a, at)
    buffer.writeUInt32BE(length, at + 1)
    return 5
  }
  return length < 24 ? 1 : 2
}

/** Where a file stops being one. */
export class EvidenceFileFault extends Error {
  readonly code: 'file-not-readable' | 'cut-short'

  constructor(code: EvidenceFileFault['code'], detail: string) {
    super(detail)
    this.code = code
  }
}

export interface EvidenceFile {
  /** The collector's key as the file says: only as good as whoever gave the file. */
  key: KeyObject
  /** The batches in order, from the beginning each time; each item is valid until the next. Throws `EvidenceFileFault`. */
  batches(): Generator<BatchItem>
}

export function openEvidenceFile(path: string): Result<EvidenceFile> {
  try {
    const items = readItems(path)
    const first = items.next()
    items.return()
    const header = first.done ? fail('not-decodable', 'the file is empty') : headerForm.decode(first.value)
    if (!header.ok) return fail('evidence-not-readable', `${path} is no evidence file: ${header.error.detail}`)
    const key = createPublicKey({ key: Buffer.from(header.value.key), format: 'der', type: 'spki' })
    return ok({ key, batches: () => readBatches(path) })
  } catch (error) {
    // A file that is missing or no file, bytes that are no sequence or no key: all of them are the file's fault.
    return fail('evidence-not-readable', `${path}: ${(error as Error).message}`)
  }
}

function* readBatches(path: string): Generator<BatchItem> {
  const items = readItems(path)
  items.next()
  const item = createBatchItem()
  let [batches, entries] = [0, 0]
  let trailer: Buffer | undefined
  for (const bytes of items) {
    if (trailer) throw new EvidenceFileFault('file-not-readable', 'something follows the end of the evidence')
    if (readPacked(item, bytes, 0) && item.entriesEnd === bytes.length) {
      batches += 1
      entries += item.count
      yield item
    } else trailer = Buffer.from(bytes)
  }
  if (!trailer) throw new EvidenceFileFault('cut-short', `the file ends after ${batches} batches, before its end`)
  const end = trailerForm.decode(trailer)
  if (!end.ok) throw new EvidenceFileFault('file-not-readable', `what follows batch ${batches} is no batch`)
  if (end.value.batches === batches && end.value.entries === entries) return
  const detail = `the file says it has ${end.value.batches} batches and ${end.value.entries} entries`
  throw new EvidenceFileFault('cut-short', `${detail}, and has ${batches} and ${entries}`)
}

/** The contents of each byte string of a sequence; a view that is valid until the next one is asked for. */
function* readItems(path: string): Generator<Buffer, void> {
  const file = openSync(path, 'r')
  let buffer = Buffer.allocUnsafe(BUFFER_BYTES)
  let [from, to] = [0, 0]

  /** Makes `bytes` more of the file available, if there are so many. */
  function has(bytes: number): boolean {
    if (to - from >= bytes) return true
    if (buffer.length < bytes) buffer = Buffer.concat([buffer.subarray(from, to)], bytes + BUFFER_BYTES)
    else buffer.copyWithin(0, from, to)
    ;[from, to] = [0, to - from]
    while (to < buffer.length) {
      const read = readSync(file, buffer, to, buffer.length - to, null)
      if (read === 0) break
      to += read
    }
    return to - from >= bytes
  }

  try {
    while (has(1)) {
      const head = buffer[from]!
      const size = { 88: 1, 89: 2, 90: 4 }[head] ?? 0
      if (head < 0x40 || head > 0x5a || !has(1 + size)) {
        throw new EvidenceFileFault('file-not-readable', 'it is no sequence of byte strings')
      }
      const length = size === 0 ? head - 0x40 : buffer.readUIntBE(from + 1, size)
      if (length > ITEM_BYTES_MAX) throw new EvidenceFileFault('file-not-readable', 'an item is longer than any can be')
      if (!has(1 + size + length)) throw new EvidenceFileFault('cut-short', 'the file ends inside an item')
      from += 1 + size + length
      yield buffer.subarray(from - length, from)
    }
  } finally {
    closeSync(file)
  }
}
