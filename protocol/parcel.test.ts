import { createPublicKey } from 'node:crypto'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { disturbed } from '#test/helpers/protocol-arbitraries.ts'
import { openingKeys } from '#test/helpers/test-keys.ts'
import { BATCH_BYTES_MAX } from './batch.ts'
import { isEqual, toHex } from './codec.ts'
import { createSuite, importRecipient, openingKeyId, toArrayBuffer } from './hpke.ts'
import { PARCEL_CHUNK_BYTES, type ParcelFault, readParcel, sealParcel } from './parcel.ts'
import { createOpener } from './sealing.ts'

const keys = openingKeys()
const { keyOf } = await createOpener([openingKeys().privateKey, keys.privateKey])
const SEALED = PARCEL_CHUNK_BYTES + 16
const START = 70

async function seal(items: Uint8Array[], to = keys.publicKey): Promise<Buffer> {
  return Buffer.concat(await all(sealParcel(to, items)))
}

function inPieces(bytes: Uint8Array, size = 5000): Readable {
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  )
  return Readable.from(pieces)
}

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of source) items.push(item)
  return items
}

async function read(bytes: Uint8Array, size?: number): Promise<{ items: string[]; fault?: ParcelFault }> {
  const items: string[] = []
  for await (const item of readParcel(inPieces(bytes, size), keyOf)) {
    if (!item.ok) return { items, fault: item.error }
    items.push(toHex(item.value))
  }
  return { items }
}

/** Sizes around the ends of chunks, and what a batch has. */
const sizes = fc.oneof(
  fc.integer({ min: 1, max: 300 }),
  fc.integer({ min: PARCEL_CHUNK_BYTES - 9, max: PARCEL_CHUNK_BYTES + 3 }),
  fc.integer({ min: 2 * PARCEL_CHUNK_BYTES - 12, max: 2 * PARCEL_CHUNK_BYTES }),
)
const itemLists = fc
  .array(fc.tuple(sizes, fc.nat(255)), { maxLength: 6 })
  .map(all => all.map(([size, fill]) => new Uint8Array(size).fill(fill)))

test('what goes in comes out, the same and in order, whatever pieces the file arrives in', async () => {
  await fc.assert(
    fc.asyncProperty(itemLists, fc.integer({ min: 1, max: 40_000 }), async (items, pieceBytes) => {
      expect(await read(await seal(items), pieceBytes)).toEqual({ items: items.map(toHex) })
    }),
    { numRuns: 40 },
  )
})

test('disturbed anywhere it gives nothing but whole items from the beginning, and says that there is a fault', async () => {
  const items = Array.from({ length: 12 }, (_, i) => new Uint8Array(4000).fill(i + 1))
  const parcel = await seal(items)
  const sealed = items.map(toHex)
  await fc.assert(
    fc.asyncProperty(disturbed(parcel), async changed => {
      if (isEqual(changed, parcel)) return
      const { items: got, fault } = await read(changed)
      expect(fault).toBeDefined()
      expect(got).toEqual(sealed.slice(0, got.length))
    }),
    { numRuns: 150 },
  )
})

describe('a parcel in the clear', () => {
  const secret = Buffer.from('370102-20261124-0001 box-village-7 dissatisfied')

  test('says what it is, its version and the id of the opening key, and of the rest only how many chunks', async () => {
    const parcel = await seal([secret])
    expect(parcel.subarray(0, 38).toString()).toBe(`chuangping parcel v1 ${toHex(openingKeyId(keys.publicKey))}\n`)
    expect(parcel.length).toBe(START + SEALED)
    for (let at = 0; at + 8 < secret.length; at += 8) expect(parcel.includes(secret.subarray(at, at + 8))).toBe(false)
    expect((await seal([secret, secret])).length).toBe(parcel.length)
  })

  test('has nothing in common with another of the same content behind its first line', async () => {
    const [one, other] = [await seal([secret]), await seal([secret])]
    const same = one.subarray(38).filter((byte, i) => byte === other[38 + i]).length
    expect(same).toBeLessThan(200)
  })
})

describe('a parcel that cannot be read says why and where', () => {
  const items = Array.from({ length: 5 }, (_, i) => new Uint8Array(PARCEL_CHUNK_BYTES).fill(i + 1))
  const cases: [string, (parcel: Buffer) => Buffer | Promise<Buffer>, Partial<ParcelFault>, number][] = [
    ['empty', () => Buffer.alloc(0), { code: 'not-a-parcel' }, 0],
    ['something else', () => Buffer.from('%PDF-1.7 …'), { code: 'not-a-parcel' }, 0],
    ['of version 2', p => replaced(p, 'v1', 'v2'), { code: 'unknown-version' }, 0],
    ['cut in its first line', p => p.subarray(0, 30), { code: 'parcel-cut' }, 0],
    ['cut before its first chunk', p => p.subarray(0, START), { code: 'parcel-cut' }, 0],
    [
      'cut inside a chunk',
      p => p.subarray(0, START + 2 * SEALED + 7),
      { code: 'parcel-cut', detail: 'it ends inside chunk 3 (bytes 32870 to 32876)' },
      1,
    ],
    [
      'cut between two chunks',
      p => p.subarray(0, START + 3 * SEALED),
      { code: 'parcel-cut', detail: 'it ends after chunk 3 (bytes 32870 to 49269), which says that others follow' },
      1,
    ],
    [
      'altered in chunk 4',
      p => flipped(p, START + 3 * SEALED + 100),
      {
        code: 'parcel-altered',
        detail: expect.stringContaining('chunk 4 (bytes 49270 to 65669)') as unknown as string,
      },
      2,
    ],
    [
      'with two chunks exchanged',
      p => exchanged(p, 2, 3),
      { code: 'parcel-altered', detail: expect.stringContaining('chunk 2') as unknown as string },
      0,
    ],
    [
      'mixed with another',
      async p => Buffer.concat([p.subarray(0, START + SEALED), (await seal(items)).subarray(START + SEALED)]),
      { code: 'parcel-altered', detail: expect.stringContaining('chunk 2') as unknown as string },
      0,
    ],
    [
      'with bytes behind its end',
      p => Buffer.concat([p, Buffer.of(0)]),
      { code: 'parcel-altered', detail: expect.stringContaining('behind chunk 6') as unknown as string },
      4,
    ],
    ['under the name of another key that is held', p => p, { code: 'parcel-altered' }, 0],
    ['sealed to another collector', () => seal(items, openingKeys().publicKey), { code: 'unknown-opening-key' }, 0],
  ]
  test.each(cases)('%s', async (name, change, fault, whole) => {
    let bytes = await change(await seal(items))
    if (name.startsWith('under the name')) {
      const [two] = [openingKeys()]
      bytes = await seal(items, two.publicKey)
      const opener = await createOpener([two.privateKey, keys.privateKey])
      const renamed = replaced(bytes, toHex(openingKeyId(two.publicKey)), toHex(openingKeyId(keys.publicKey)))
      const [first] = await all(readParcel(inPieces(renamed), opener.keyOf))
      return expect(first).toMatchObject({ ok: false, error: fault })
    }
    const { items: got, fault: found } = await read(bytes)
    expect(found).toMatchObject(fault)
    expect(got).toHaveLength(whole)
  })

  test.each<[string, Buffer[], string]>([
    ['an item longer than any batch', [chunkOf(0, 4, 0, 1)], `an item of ${BATCH_BYTES_MAX + 1} bytes`],
    ['an item that goes on behind the end', [chunkOf(0, 0, 0x80, 0)], 'its last item is not whole'],
    ['something behind the last item', [chunkOf(0, 0, 0, 1, 9, 0, 0, 0, 0, 7)], 'something behind its last item'],
    [
      'a chunk behind the last item',
      [chunkOf(0, 0, 0, 1, 9), chunkOf(0, 0, 0, 1, 9)],
      'something behind its last item',
    ],
  ])('opens, but holds %s', async (_, chunks, detail) => {
    expect((await read(await sealRaw(chunks))).fault).toMatchObject({
      code: 'parcel-not-valid',
      detail: expect.stringContaining(detail),
    })
  })
})

test('nothing comes behind a fault', async () => {
  const bytes = await sealRaw([chunkOf(0, 4, 0, 1), chunkOf(0, 0, 0, 1, 9)])
  const results = await all(readParcel(inPieces(bytes), keyOf))
  expect(results).toMatchObject([{ ok: false, error: { code: 'parcel-not-valid' } }])
})

test('however long a parcel is, no more of it is held at once than an item and a few chunks', async () => {
  const item = Buffer.alloc(200_000, 7)
  let made = 0
  async function* items() {
    for (let i = 0; i < 40; i++) {
      made += item.length
      yield await Promise.resolve(item)
    }
  }
  let [came, mostHeld] = [0, 0]
  for await (const one of readParcel(sealParcel(keys.publicKey, items()), keyOf)) {
    if (one.ok) came += one.value.length
    mostHeld = Math.max(mostHeld, made - came)
  }
  expect(came).toBe(8_000_000)
  expect(mostHeld).toBeLessThan(item.length + 3 * PARCEL_CHUNK_BYTES)
})

const flipped = (bytes: Buffer, at: number) => {
  const changed = Buffer.from(bytes)
  changed[at]! ^= 1
  return changed
}

function exchanged(parcel: Buffer, one: number, other: number): Buffer {
  const at = (n: number) => START + (n - 1) * SEALED
  const changed = Buffer.from(parcel)
  parcel.copy(changed, at(one), at(other), at(other) + SEALED)
  parcel.copy(changed, at(other), at(one), at(one) + SEALED)
  return changed
}

function replaced(bytes: Buffer, from: string, to: string): Buffer {
  return Buffer.from(bytes.toString('latin1').replace(from, to), 'latin1')
}

/** Sealed rightly by somebody who does not keep to the form inside. */
async function sealRaw(chunks: Buffer[]): Promise<Buffer> {
  const header = Buffer.from(`chuangping parcel v1 ${toHex(openingKeyId(keys.publicKey))}\n`)
  const recipientPublicKey = await importRecipient(createPublicKey(keys.privateKey))
  const sender = await createSuite().createSenderContext({ recipientPublicKey, info: toArrayBuffer(header) })
  const parts = [header, new Uint8Array(sender.enc)]
  for (const [i, chunk] of chunks.entries()) {
    const context = Uint8Array.of(i === chunks.length - 1 ? 1 : 0)
    parts.push(new Uint8Array(await sender.seal(toArrayBuffer(chunk), toArrayBuffer(context))))
  }
  return Buffer.concat(parts)
}
const chunkOf = (...start: number[]) =>
  Buffer.concat([Buffer.from(start), Buffer.alloc(PARCEL_CHUNK_BYTES - start.length)])
