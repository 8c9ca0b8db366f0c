import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openJournal } from '#agent/journal/journal.ts'
import { type Batch, decodeBatch, verifyBatch } from '#protocol/batch.ts'
import { CHAIN_START } from '#protocol/chain.ts'
import { toHex } from '#protocol/codec.ts'
import { readParcel } from '#protocol/parcel.ts'
import { signReceipt } from '#protocol/receipt.ts'
import { writeReceiptsFile } from '#protocol/receipts-file.ts'
import { createOpener } from '#protocol/sealing.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { createParcels } from './parcels.ts'
import { openStaffSocket, PARTS_HEADER, STAFF_PATHS, staffSocketPath } from './staff-socket.ts'
import { createUplink, type PastUplinkChain } from './uplink.ts'

const boxKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const collectorKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const opening = generateKeyPairSync('x25519')

function setUp(options: { past?: PastUplinkChain[] } = {}) {
  const clock = createFakeClock()
  const folder = temporaryFolder()
  const opened = openJournal({ directory: folder, box: 'box-1', clock, randomBytes })
  if (!opened.ok) throw new Error(opened.error.detail)
  const journal = opened.value
  onTestFinished(() => journal.close())
  const past = options.past ?? []
  const sent: Uint8Array[] = []
  const times: number[] = []
  const uplink = createUplink({
    clock,
    journal,
    past: () => past,
    box: 'box-1',
    boxKey: boxKeys.privateKey,
    receiptKey: collectorKeys.publicKey,
    sendBatch: bytes => void sent.push(bytes),
    onProgress() {},
    onCollectorTime: at => void times.push(at as unknown as number),
    onResend() {},
  })
  const parcels = createParcels({
    box: 'box-1',
    boxKey: boxKeys.privateKey,
    openingKey: opening.publicKey,
    receiptKey: collectorKeys.publicKey,
    chains: () => [...past, journal],
    receiptBrought: uplink.receiptBrought,
    onFailure: error => expect.unreachable(String(error)),
  })
  const append = (count: number) => {
    for (let i = 0; i < count; i++) journal.append('boot', { agent: 'test' })
    return journal.newest()
  }
  return { folder, journal, uplink, parcels, sent, times, append }
}

const receipt = (changes: object, key = collectorKeys.privateKey) =>
  signReceipt(
    {
      version: 1,
      box: 'box-1',
      epoch: new Uint8Array(16),
      seq: 0,
      hash: CHAIN_START,
      at: 1_790_000_000_000,
      ...changes,
    },
    key,
  )
const fileOf = (...receipts: Uint8Array[]) => Buffer.from(writeReceiptsFile(receipts))

async function batchesIn(bytes: AsyncIterable<Uint8Array>): Promise<Batch[]> {
  const { keyOf } = await createOpener([opening.privateKey])
  const batches: Batch[] = []
  for await (const item of readParcel(bytes, keyOf)) {
    if (!item.ok) throw new Error(item.error.detail)
    const batch = decodeBatch(item.value)
    if (!batch.ok) throw new Error(batch.error.detail)
    expect(verifyBatch(batch.value, boxKeys.publicKey).ok).toBe(true)
    batches.push(batch.value)
  }
  return batches
}

const spans = (batches: readonly Batch[]) => batches.map(({ first, entries }) => [first, first + entries.length - 1])

describe('a parcel', () => {
  test('carries what has no receipt, signed as for the link, and making it changes nothing', async () => {
    const { parcels, journal, uplink, append } = setUp()
    append(3)
    uplink.receiptArrived(receipt({ epoch: journal.epoch, seq: 3, hash: journal.newest().hash }))
    append(520)
    const { parts, bytes } = parcels.pack()
    expect(parts).toEqual([{ epoch: toHex(journal.epoch), after: 3, to: 523, entries: 520 }])
    expect(spans(await batchesIn(bytes))).toEqual([
      [4, 503],
      [504, 523],
    ])
    expect(journal.receiptedSeq()).toBe(3)
    expect(spans(await batchesIn(parcels.pack().bytes))).toHaveLength(2)
  })

  test('ends where the journal ended when it was begun, though ratings go on', async () => {
    const { parcels, append } = setUp()
    append(10)
    const { bytes } = parcels.pack()
    append(5)
    expect(spans(await batchesIn(bytes))).toEqual([[1, 10]])
  })

  test('is of nothing when everything has its receipt', async () => {
    const { parcels } = setUp()
    const { parts, bytes } = parcels.pack()
    expect(parts).toEqual([])
    expect(await batchesIn(bytes)).toEqual([])
  })

  test('carries what was salvaged of journals before, oldest first, across its holes', async () => {
    const epoch = new Uint8Array(16).fill(9)
    const held = [2, 3, 7]
    const past: PastUplinkChain = {
      epoch,
      newest: () => ({ seq: 7 }),
      receiptedSeq: () => 0,
      backlog: () => 3,
      read(seq) {
        const first = held.find(one => one > seq)!
        const until = held.includes(first + 1) ? 2 : 1
        const entries = Array.from({ length: until }, () => Uint8Array.of(1, 2, 3))
        return { first, previous: new Uint8Array(32).fill(5), entries, last: new Uint8Array(32) }
      },
      receipt: () => expect.unreachable(),
      startOver() {},
    }
    const { parcels, append } = setUp({ past: [past] })
    append(1)
    const { parts, bytes } = parcels.pack()
    expect(parts.map(({ after, to, entries }) => [after, to, entries])).toEqual([
      [0, 7, 3],
      [0, 1, 1],
    ])
    const { keyOf } = await createOpener([opening.privateKey])
    const seen: unknown[] = []
    for await (const item of readParcel(bytes, keyOf)) {
      const batch = item.ok ? decodeBatch(item.value) : undefined
      if (batch?.ok) seen.push([toHex(batch.value.epoch).slice(0, 2), batch.value.first])
    }
    expect(seen.slice(0, 2)).toEqual([
      ['09', 2],
      ['09', 7],
    ])
    expect(seen[2]).toEqual([expect.any(String), 1])
  })
})

describe('receipts that were carried', () => {
  test('move the cursor, send on what came since, and teach no time', () => {
    const { parcels, journal, uplink, append, sent, times } = setUp()
    uplink.linkUp()
    const head = append(4)
    append(2)
    const taken = parcels.takeReceipts(fileOf(receipt({ epoch: journal.epoch, seq: 4, hash: head.hash })))
    expect(taken).toEqual({
      ok: true,
      value: { taken: [{ epoch: toHex(journal.epoch), seq: 4 }], refused: [], backlog: 2 },
    })
    expect(sent).toHaveLength(1)
    expect(times).toEqual([])
  })

  test('of other boxes are passed over; a file with none for this one says so', () => {
    const { parcels, journal, append } = setUp()
    const head = append(2)
    const mine = receipt({ epoch: journal.epoch, seq: 2, hash: head.hash })
    const others = receipt({ box: 'box-2', seq: 9 })
    expect(parcels.takeReceipts(fileOf(others))).toEqual({
      ok: false,
      error: { code: 'receipts-of-others', detail: 'it holds none for box-1, but for box-2' },
    })
    expect(parcels.takeReceipts(fileOf(others, mine))).toMatchObject({ ok: true, value: { backlog: 0 } })
  })

  test('of which one is forged move nothing at all', () => {
    const { parcels, journal, append } = setUp()
    const head = append(2)
    const mine = receipt({ epoch: journal.epoch, seq: 2, hash: head.hash })
    const forged = receipt({ epoch: journal.epoch, seq: 2, hash: head.hash }, boxKeys.privateKey)
    expect(parcels.takeReceipts(fileOf(mine, forged))).toMatchObject({
      ok: false,
      error: { code: 'bad-signature', detail: expect.stringContaining('line 3') },
    })
    expect(journal.receiptedSeq()).toBe(0)
  })

  test('that name another hash, or an epoch this box never had, are refused one by one', () => {
    const { parcels, journal, append } = setUp()
    const head = append(2)
    const file = fileOf(
      receipt({ epoch: new Uint8Array(16).fill(7), seq: 2 }),
      receipt({ epoch: journal.epoch, seq: 2, hash: new Uint8Array(32).fill(1) }),
      receipt({ epoch: journal.epoch, seq: 2, hash: head.hash }),
    )
    expect(parcels.takeReceipts(file)).toMatchObject({
      ok: true,
      value: {
        taken: [{ seq: 2 }],
        refused: [
          { line: 2, code: 'receipt-of-another' },
          { line: 3, code: 'receipt-differs' },
        ],
        backlog: 0,
      },
    })
  })

  test('of an old file send again from there, and nothing is lost', () => {
    const { parcels, journal, append } = setUp()
    const old = fileOf(receipt({ epoch: journal.epoch, seq: 2, hash: append(2).hash }))
    const newer = fileOf(receipt({ epoch: journal.epoch, seq: 5, hash: append(3).hash }))
    parcels.takeReceipts(newer)
    expect(parcels.takeReceipts(old)).toMatchObject({ ok: true, value: { backlog: 3 } })
    expect(parcels.takeReceipts(newer)).toMatchObject({ ok: true, value: { backlog: 0 } })
  })
})

describe('the socket for IT staff', () => {
  async function opened() {
    const one = setUp()
    const path = staffSocketPath(one.folder)
    // As one that was killed leaves it.
    writeFileSync(path, '')
    const socket = await openStaffSocket(path, one.parcels)
    if (!socket.ok) throw new Error(socket.error.detail)
    onTestFinished(socket.value.close)
    return { ...one, path, close: socket.value.close }
  }

  function call(socketPath: string, path: string, body?: Uint8Array, method = 'POST') {
    return new Promise<{ status: number; parts: unknown; body: Buffer }>((resolve, reject) => {
      const sent = request({ socketPath, path, method }, async response => {
        const pieces: Buffer[] = []
        for await (const piece of response) pieces.push(piece)
        const parts = response.headers[PARTS_HEADER] as string | undefined
        resolve({ status: response.statusCode!, parts: parts && JSON.parse(parts), body: Buffer.concat(pieces) })
      })
      sent.on('error', reject).end(body)
    })
  }

  test('can be opened by nobody but the user the agent runs as, and is gone when it ends', async () => {
    const { path, close } = await opened()
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(path).isSocket()).toBe(true)
    await close()
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined()
  })

  test('gives the parcel and takes the receipts for it', async () => {
    const { path, journal, append } = await opened()
    const head = append(20)
    const { status, parts, body } = await call(path, STAFF_PATHS.parcel)
    expect([status, parts]).toMatchObject([200, [{ after: 0, to: 20 }]])
    expect(spans(await batchesIn(inOne(body)))).toEqual([[1, 20]])
    const file = fileOf(receipt({ epoch: journal.epoch, seq: 20, hash: head.hash }))
    const taken = await call(path, STAFF_PATHS.receipts, file)
    expect([taken.status, JSON.parse(String(taken.body))]).toMatchObject([200, { taken: [{ seq: 20 }], backlog: 0 }])
  })

  test('refuses receipts with the reason, and everything else', async () => {
    const { path } = await opened()
    const cut = await call(path, STAFF_PATHS.receipts, Buffer.from('chuangping receipts v1\n'))
    expect([cut.status, JSON.parse(String(cut.body))]).toMatchObject([422, { code: 'receipts-cut' }])
    for (const [method, to] of [
      ['GET', STAFF_PATHS.parcel],
      ['POST', '/v1/prompts'],
    ] as const) {
      expect((await call(path, to, undefined, method)).status).toBe(404)
    }
  })

  test('that cannot be opened is told, not thrown', async () => {
    const { parcels, folder } = setUp()
    const path = join(folder, 'no-such-folder', 'staff.sock')
    expect(await openStaffSocket(path, parcels)).toMatchObject({
      ok: false,
      error: { code: 'staff-socket-not-open', detail: expect.stringContaining(path) },
    })
  })
})

async function* inOne(bytes: Uint8Array) {
  yield await Promise.resolve(bytes)
}
