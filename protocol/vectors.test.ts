import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { fromReadable, toReadable } from '#test/helpers/readable-bytes.ts'
import { type Batch, decodeBatch, encodeBatch, verifyBatch } from './batch.ts'
import { CHAIN_START, entryHash } from './chain.ts'
import { fromHex, toHex } from './codec.ts'
import { decodeEntry, ENTRY_KINDS, type Entry, encodeEntry, type Sealed } from './entry.ts'
import { GRADES } from './grades.ts'
import { readParcel } from './parcel.ts'
import { decodePresence, encodePresence, type Presence } from './presence.ts'
import { readPromptRequest } from './prompt-request.ts'
import { readReceipt } from './receipt.ts'
import { readReceiptsFile } from './receipts-file.ts'
import { createOpener, openingKeyId, PADDED_BYTES, type RatingText, sealingContext } from './sealing.ts'
import { readTimeAnswer } from './time-answer.ts'

const read = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../test/vectors/${name}.json`, import.meta.url), 'utf8'))

type KeyName = 'box' | 'collector' | 'opening'
const stored = read<Record<KeyName, { private: string; public: string }> & { warning: string }>('keys')
const publicKey = (name: KeyName): KeyObject =>
  createPublicKey({ key: Buffer.from(stored[name].public, 'hex'), format: 'der', type: 'spki' })
const privateKey = (name: KeyName): KeyObject =>
  createPrivateKey({ key: Buffer.from(stored[name].private, 'hex'), format: 'der', type: 'pkcs8' })

interface ChainVector {
  box: string
  epoch: string
  entries: { seq: number; entry: unknown; bytes: string; hash: string }[]
}
const chains = read<ChainVector[]>('chains')

test('the keys belong together and say that they are for tests only', () => {
  expect(stored.warning).toMatch(/^TEST ONLY/)
  for (const name of ['box', 'collector', 'opening'] as const) {
    expect(toHex(createPublicKey(privateKey(name)).export({ format: 'der', type: 'spki' }))).toBe(stored[name].public)
  }
})

describe.each(chains)('the chain of $box', ({ box, epoch, entries }) => {
  test('has exactly these bytes for these values, and these values for these bytes', () => {
    for (const { entry, bytes } of entries) {
      expect(toHex(encodeEntry(fromReadable(entry) as Entry))).toBe(bytes)
      const decoded = decodeEntry(fromHex(bytes))
      expect(decoded.ok && toReadable(decoded.value)).toEqual(entry)
    }
  })

  test('has exactly these hashes', () => {
    let previous = CHAIN_START
    for (const [i, { seq, bytes, hash }] of entries.entries()) {
      expect(seq).toBe(i + 1)
      previous = entryHash({ box, epoch: fromHex(epoch) }, seq, previous, fromHex(bytes))
      expect(toHex(previous)).toBe(hash)
    }
  })
})

test('there is a vector for every kind of entry', () => {
  const kinds = chains.flatMap(chain => chain.entries.map(({ entry }) => (entry as Entry).kind))
  expect(new Set(kinds)).toEqual(new Set(ENTRY_KINDS))
})

test('the batches carry the chain from its first entry to its last, each under a good signature', () => {
  const [chain] = chains
  const carried: string[] = []
  for (const { batch, bytes, hashes } of read<{ batch: unknown; bytes: string; hashes: string[] }[]>('batches')) {
    expect(toHex(encodeBatch(fromReadable(batch) as Batch))).toBe(bytes)
    const decoded = decodeBatch(fromHex(bytes))
    if (!decoded.ok) throw new Error(decoded.error.detail)
    expect(toReadable(decoded.value)).toEqual(batch)
    expect(decoded.value.first).toBe(carried.length + 1)
    const verified = verifyBatch(decoded.value, publicKey('box'))
    if (!verified.ok) throw new Error(verified.error.detail)
    expect(verified.value.map(toHex)).toEqual(hashes)
    carried.push(...hashes)
  }
  expect(carried).toEqual(chain?.entries.map(({ hash }) => hash))
})

test('the receipts are the collector’s and name entries of the chain', () => {
  const [chain] = chains
  for (const { receipt, bytes } of read<{ receipt: object; bytes: string }[]>('receipts')) {
    const believed = readReceipt(fromHex(bytes), publicKey('collector'))
    if (!believed.ok) throw new Error(believed.error.detail)
    expect(toReadable(believed.value)).toMatchObject(receipt)
    expect(toHex(believed.value.hash)).toBe(chain?.entries[believed.value.seq - 1]?.hash)
    expect(readReceipt(fromHex(bytes), publicKey('box')).ok).toBe(false)
  }
})

test('the packed batches are those batches', () => {
  const batches = read<{ bytes: string }[]>('batches').map(({ bytes }) => bytes)
  const packed = read<{ packed: string; bytes: string }[]>('packed')
  expect(packed.length).toBeGreaterThan(0)
  for (const one of packed) {
    expect(batches).toContain(one.bytes)
    expect(decodeBatch(fromHex(one.packed))).toEqual(decodeBatch(fromHex(one.bytes)))
  }
})

test('the parcel opens to the batches', async () => {
  const { batches, parcel } = read<{ batches: string[]; parcel: string }>('parcel')
  const { keyOf } = await createOpener([privateKey('opening')])
  const items: string[] = []
  for await (const item of readParcel(Readable.from([Buffer.from(parcel, 'base64')]), keyOf)) {
    if (!item.ok) throw new Error(item.error.detail)
    items.push(toHex(item.value))
  }
  expect(items).toEqual(batches)
  expect(batches).toEqual(read<{ bytes: string }[]>('batches').map(({ bytes }) => bytes))
})

test('the receipts that are carried are those receipts', () => {
  const carried = readReceiptsFile(readFileSync(new URL('../test/vectors/receipts.txt', import.meta.url)))
  if (!carried.ok) throw new Error(carried.error.detail)
  expect(carried.value.map(({ bytes }) => toHex(bytes))).toEqual(
    read<{ bytes: string }[]>('receipts').map(({ bytes }) => bytes),
  )
})

interface SealedVector {
  box: string
  prompt: string
  provenance: 'pad' | 'screen'
  text: RatingText
  sealed: unknown
}

test('the sealed ratings open to what is written beside them, and all of a provenance have one length', async () => {
  const opener = await createOpener([privateKey('opening')])
  const vectors = read<SealedVector[]>('sealed')
  for (const { box, prompt, provenance, text, sealed } of vectors) {
    const value = fromReadable(sealed) as Sealed
    expect(await opener.open(value, sealingContext(box, fromHex(prompt)))).toEqual({ ok: true, value: text })
    expect(value.text.length).toBe(PADDED_BYTES[provenance] + 16)
    expect(toHex(value.key)).toBe(toHex(openingKeyId(publicKey('opening'))))
  }
  expect(new Set(vectors.map(({ text }) => text.grade))).toEqual(new Set(GRADES))
})

test('the ratings in the chain are those sealed ones', () => {
  const sealed = read<SealedVector[]>('sealed').map(vector => vector.sealed)
  const entries = chains.flatMap(chain => chain.entries.map(({ entry }) => entry as Entry))
  const ratings = entries.filter(({ kind }) => kind === 'rating' || kind === 'correction')
  expect(ratings.length).toBeGreaterThan(2)
  for (const { body } of ratings) expect(sealed).toContainEqual((body as { sealed: unknown }).sealed)
})

test('a status has exactly these bytes', () => {
  for (const { presence: readable, bytes } of read<{ presence: unknown; bytes: string }[]>('presences')) {
    const presence = fromReadable(readable) as Presence
    expect(toHex(encodePresence(presence))).toBe(bytes)
    expect(decodePresence(fromHex(bytes))).toEqual({ ok: true, value: presence })
  }
})

test('prompt requests carry the collector’s signature', () => {
  for (const { request, bytes } of read<{ request: unknown; bytes: string }[]>('prompt-requests')) {
    expect(readPromptRequest(fromHex(bytes), publicKey('collector'))).toMatchObject({
      ok: true,
      value: fromReadable(request) as object,
    })
  }
})

test('time answers carry the collector’s signature', () => {
  for (const { answer, bytes } of read<{ answer: unknown; bytes: string }[]>('time-answers')) {
    expect(readTimeAnswer(fromHex(bytes), publicKey('collector'))).toMatchObject({
      ok: true,
      value: fromReadable(answer) as object,
    })
    expect(readTimeAnswer(fromHex(bytes), publicKey('box'))).toMatchObject({
      ok: false,
      error: { code: 'bad-signature' },
    })
  }
})

const refused = read<{ message: 'entry' | 'batch'; why: string; bytes: string; code: string }[]>('refused')
test.each(refused)('$message that is $why is refused as $code', ({ message, bytes, code }) => {
  expect(message === 'entry' ? codeOfEntry(fromHex(bytes)) : codeOfBatch(fromHex(bytes))).toBe(code)
})

function codeOfEntry(bytes: Uint8Array): string {
  const decoded = decodeEntry(bytes)
  return decoded.ok ? 'taken' : decoded.error.code
}

function codeOfBatch(bytes: Uint8Array): string {
  const decoded = decodeBatch(bytes)
  if (!decoded.ok) return decoded.error.code
  const verified = verifyBatch(decoded.value, publicKey('box'))
  return verified.ok ? 'taken' : verified.error.code
}
