import { hash } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import { encode } from 'cborg'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { disturbed } from '#test/helpers/protocol-arbitraries.ts'
import { signingKeys } from '#test/helpers/test-keys.ts'
import {
  BATCH_BYTES_MAX,
  BATCH_ENTRIES_MAX,
  type Batch,
  decodeBatch,
  ENTRY_BYTES_MAX,
  encodeBatch,
  PACKED_ENTRIES_MIN,
  packBatch,
  signBatch,
  verifyBatch,
} from './batch.ts'
import { CHAIN_START, chainHashes } from './chain.ts'
import { isEqual, toHex } from './codec.ts'

const keys = signingKeys()
const EPOCH = new Uint8Array(16).fill(1)
const OTHER_EPOCH = new Uint8Array(16).fill(2)

function signed(entries: Uint8Array[], changes: Partial<Omit<Batch, 'signature'>> = {}): Batch {
  const first = changes.first ?? 1
  const previous = changes.previous ?? (first === 1 ? CHAIN_START : new Uint8Array(32).fill(9))
  const unsigned = {
    version: 1,
    box: 'box-1',
    epoch: EPOCH,
    newest: first + entries.length - 1,
    ...changes,
    first,
    previous,
    entries,
  } as const
  return signBatch(unsigned, chainHashes(unsigned, first, previous, entries).at(-1)!, keys.privateKey)
}

const isGood = (batch: Batch) => verifyBatch(batch, keys.publicKey).ok
const entry = (...bytes: number[]) => Uint8Array.from(bytes)
const distinctEntries = fc.uniqueArray(fc.uint8Array({ minLength: 1, maxLength: 12 }), {
  minLength: 2,
  maxLength: 8,
  selector: toHex,
})

test('a good batch gives the hash of every entry', () => {
  fc.assert(
    fc.property(distinctEntries, fc.integer({ min: 1, max: 2 ** 40 }), (entries, first) => {
      const batch = signed(entries, { first })
      const read = decodeBatch(encodeBatch(batch))
      if (!read.ok) throw new Error(read.error.detail)
      expect(verifyBatch(read.value, keys.publicKey)).toEqual({
        ok: true,
        value: chainHashes(batch, first, batch.previous, entries),
      })
    }),
    { numRuns: 30 },
  )
})

describe('the signature fails when', () => {
  const batches = fc.tuple(distinctEntries, fc.nat(7), fc.nat(7))
  test.each<[string, (entries: Uint8Array[], i: number, j: number) => Uint8Array[]]>([
    ['two entries are swapped', (all, i, j) => all.map((e, k) => (k === i ? all[j]! : k === j ? all[i]! : e))],
    ['an entry is inserted', (all, i) => all.toSpliced(i, 0, entry(0xff, 0xee, 0xdd))],
    ['an entry is dropped', (all, i) => all.toSpliced(i, 1)],
    ['an entry is doubled', (all, i) => all.toSpliced(i, 0, all[i]!)],
    ['an entry is replaced', (all, i) => all.with(i, entry(0xff, 0xee, 0xdd))],
    [
      'two entries are run together',
      (all, i) => all.toSpliced(i, 2, Uint8Array.from([...all[i]!, ...(all[i + 1] ?? [0])])),
    ],
    ['the tail is cut off', (all, i) => all.slice(0, Math.max(1, i))],
  ])('%s', (_, tamper) => {
    fc.assert(
      fc.property(batches, ([entries, i, j]) => {
        const at = i % entries.length
        const with_ = j % entries.length === at ? (at + 1) % entries.length : j % entries.length
        const batch = signed(entries)
        const changed = tamper(entries, at, with_)
        fc.pre(changed.length > 0 && changed.map(toHex).join() !== entries.map(toHex).join())
        expect(isGood({ ...batch, entries: changed })).toBe(false)
      }),
      { numRuns: 30 },
    )
  })

  const batch = signed([entry(1), entry(2), entry(3)], { first: 7 })
  const other = signed([entry(1), entry(2), entry(3)], { first: 7, epoch: OTHER_EPOCH })
  test.each<[string, Batch]>([
    ['it is said to be of another box', { ...batch, box: 'box-2' }],
    ['it is said to be of another epoch', { ...batch, epoch: OTHER_EPOCH }],
    ['its numbers are moved', { ...batch, first: 8 }],
    ['it is hung onto another entry', { ...batch, previous: CHAIN_START }],
    [
      'a tail of another epoch is spliced on',
      { ...batch, entries: [...batch.entries.slice(0, 1), ...other.entries.slice(1)], signature: other.signature },
    ],
    ['the signature of another epoch is put under it', { ...batch, signature: other.signature }],
    [
      'the signature is of an earlier head',
      { ...batch, signature: signed([entry(1), entry(2)], { first: 7 }).signature },
    ],
  ])('%s', (_, tampered) => {
    expect(isGood(batch)).toBe(true)
    expect(verifyBatch(tampered, keys.publicKey)).toMatchObject({ ok: false, error: { code: 'bad-signature' } })
  })

  test('it was made by another key', () => {
    expect(verifyBatch(batch, signingKeys().publicKey)).toMatchObject({ ok: false, error: { code: 'bad-signature' } })
  })

  test('it is all zeros', () => {
    expect(isGood({ ...batch, signature: new Uint8Array(64) })).toBe(false)
  })
})

test('a disturbed batch is refused, or only its unsigned display number differs', () => {
  const bytes = encodeBatch(signed([entry(1, 2, 3), entry(4, 5), entry(6)]))
  const read = decodeBatch(bytes)
  if (!read.ok) throw new Error(read.error.detail)
  const { newest: _, ...kept } = read.value
  fc.assert(
    fc.property(disturbed(bytes), changed => {
      const again = decodeBatch(changed)
      if (isEqual(bytes, changed) || !again.ok) return
      const { newest: __, ...rest } = again.value
      if (verifyBatch(again.value, keys.publicKey).ok) expect(rest).toEqual(kept)
    }),
    { numRuns: 500 },
  )
})

describe('limits', () => {
  const refusal = (batch: Batch) => {
    try {
      const read = decodeBatch(encodeBatch(batch))
      return read.ok ? 'taken' : read.error.code
    } catch {
      return 'not encodable'
    }
  }

  test('500 entries are taken, 501 and none are not', () => {
    const many = Array.from({ length: BATCH_ENTRIES_MAX }, () => entry(1))
    expect(refusal(signed(many))).toBe('taken')
    expect(refusal({ ...signed(many), entries: [...many, entry(1)] })).toBe('not encodable')
    expect(refusal({ ...signed(many), entries: [] })).toBe('not encodable')
  })

  test('an entry of 8 KiB is taken, one byte more and none are not', () => {
    expect(refusal(signed([new Uint8Array(ENTRY_BYTES_MAX)]))).toBe('taken')
    expect(refusal(signed([new Uint8Array(ENTRY_BYTES_MAX + 1)]))).toBe('not encodable')
    expect(refusal(signed([new Uint8Array(0)]))).toBe('not encodable')
  })

  test('256 KiB are taken, one byte more is refused before it is read, and is never sent', () => {
    const full = Array.from({ length: 31 }, () => new Uint8Array(ENTRY_BYTES_MAX))
    const rest = (length: number) => signed([...full, new Uint8Array(length)])
    const room = BATCH_BYTES_MAX - encodeBatch(rest(4000)).length + 4000
    const bytes = encodeBatch(rest(room))
    expect(bytes.length).toBe(BATCH_BYTES_MAX)
    expect(decodeBatch(bytes).ok).toBe(true)
    expect(() => encodeBatch(rest(room + 1))).toThrow('at most')
    expect(decodeBatch(Uint8Array.from([...bytes, 0]))).toMatchObject({ ok: false, error: { code: 'batch-too-big' } })
  })

  test('numbers that could not be counted to the end are refused', () => {
    const last = signed([entry(1), entry(2)], { first: Number.MAX_SAFE_INTEGER - 1 })
    expect(decodeBatch(encodeBatch(last))).toMatchObject({ ok: false, error: { code: 'not-valid' } })
  })
})

test('entry 1 has nothing before it: a batch that says otherwise is refused, also with a good signature', () => {
  const forged = signed([entry(1)], { first: 1, previous: new Uint8Array(32).fill(5) })
  expect(isGood(forged)).toBe(true)
  expect(decodeBatch(encodeBatch(forged))).toMatchObject({ ok: false, error: { code: 'not-valid' } })
})

describe('a batch that travels packed', () => {
  const packedOf = (bytes: Uint8Array, version = 1) => encode({ packed: deflateRawSync(bytes), version })
  /** As entries are: names and ids that repeat, and what is sealed and does not. */
  const entries = fc.array(fc.uint8Array({ minLength: 1, maxLength: 60, size: 'max' }), {
    minLength: PACKED_ENTRIES_MIN,
    maxLength: 40,
  })
  const alike = (sealed: Uint8Array) => Uint8Array.from([...Buffer.from('body kind time prompt provenance'), ...sealed])

  test('is shorter, and is the same batch to whoever reads it', () => {
    fc.assert(
      fc.property(entries, fc.integer({ min: 1, max: 2 ** 40 }), (sealed, first) => {
        const batch = signed(sealed.map(alike), { first })
        const packed = packBatch(batch)
        expect(packed.length).toBeLessThan(encodeBatch(batch).length)
        expect(decodeBatch(packed)).toEqual(decodeBatch(encodeBatch(batch)))
      }),
      { numRuns: 30 },
    )
  })

  test('is never one of few entries, whatever is in it: the length of what a live window sends tells nothing', () => {
    const few = Array.from({ length: PACKED_ENTRIES_MIN - 1 }, () => new Uint8Array(500))
    const live = signed(few)
    expect(toHex(packBatch(live))).toBe(toHex(encodeBatch(live)))
    const enough = [...few, new Uint8Array(500)]
    expect(packBatch(signed(enough)).length).toBeLessThan(1000)
  })

  test('goes as it is when packing would make it longer', () => {
    const random = (length: number, seed: string) =>
      hash('shake256', seed, { outputEncoding: 'buffer', outputLength: length })
    const sealed = Array.from({ length: PACKED_ENTRIES_MIN }, (_, i) => random(400, `${i}`))
    const batch = signed(sealed, { first: 2, epoch: random(16, 'epoch'), previous: random(32, 'previous') })
    expect(toHex(packBatch(batch))).toBe(toHex(encodeBatch(batch)))
  })

  test('disturbed is refused, or only its unsigned display number differs', () => {
    const batch = signed(fc.sample(entries, { numRuns: 1, seed: 2 })[0]!.map(alike))
    const { newest: _, ...kept } = batch
    fc.assert(
      fc.property(disturbed(packBatch(batch)), changed => {
        const again = decodeBatch(changed)
        if (!again.ok) return
        const { newest: __, ...rest } = again.value
        if (verifyBatch(again.value, keys.publicKey).ok) expect(toHex(encode(rest))).toBe(toHex(encode(kept)))
      }),
      { numRuns: 1000 },
    )
  })

  test('is never inflated beyond what a batch may have', () => {
    const bomb = packedOf(new Uint8Array(64 * 1024 * 1024))
    expect(bomb.length).toBeLessThan(BATCH_BYTES_MAX)
    const before = process.memoryUsage().arrayBuffers
    expect(decodeBatch(bomb)).toMatchObject({
      ok: false,
      error: { code: 'batch-too-big', detail: expect.stringContaining('inflates to more than') },
    })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 * 1024 * 1024)
    expect(decodeBatch(packedOf(new Uint8Array(BATCH_BYTES_MAX)))).toMatchObject({
      ok: false,
      error: { code: 'not-decodable', detail: expect.not.stringContaining('inflate') },
    })
  })

  test.each<[string, Uint8Array, string]>([
    [
      'cut short',
      encode({ packed: deflateRawSync(encodeBatch(signed([entry(1)]))).subarray(0, -3), version: 1 }),
      'not-decodable',
    ],
    ['no DEFLATE', encode({ packed: Uint8Array.of(0xff, 0xff), version: 1 }), 'not-decodable'],
    [
      'followed by other bytes',
      encode({ packed: Buffer.concat([deflateRawSync(encodeBatch(signed([entry(1)]))), Buffer.of(0)]), version: 1 }),
      'not-decodable',
    ],
    ['packed twice', packedOf(packedOf(encodeBatch(signed([entry(1)])))), 'not-valid'],
    ['of version 2', packedOf(encodeBatch(signed([entry(1)])), 2), 'unknown-version'],
    ['empty', encode({ packed: new Uint8Array(), version: 1 }), 'not-valid'],
  ])('and is %s is refused', (_, bytes, code) => {
    expect(decodeBatch(bytes)).toMatchObject({ ok: false, error: { code } })
  })
})
