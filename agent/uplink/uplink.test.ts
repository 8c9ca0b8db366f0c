import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openJournal } from '#agent/journal/journal.ts'
import { BATCH_ENTRIES_MAX, decodeBatch, verifyBatch } from '#protocol/batch.ts'
import { CHAIN_START } from '#protocol/chain.ts'
import { signReceipt } from '#protocol/receipt.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { createUplink } from './uplink.ts'

const boxKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const collectorKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const strangerKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' })

function setUp(options: { old?: boolean } = {}) {
  const clock = createFakeClock()
  const opened = openJournal({ directory: temporaryFolder(), box: 'box-1', clock, randomBytes })
  if (!opened.ok) throw new Error(opened.error.detail)
  const journal = opened.value
  onTestFinished(() => journal.close())
  const sent: { first: number; count: number; last: Uint8Array }[] = []
  const counts = { progress: 0, resends: 0 }
  const times: number[] = []
  const old = options.old ? journal.append('boot', { agent: 'the run before' }) : undefined
  let reads = 0
  const read = (seq: number, entriesMax: number) => {
    reads += 1
    return journal.read(seq, entriesMax)
  }
  const told: string[] = []
  let diskError: Error | undefined
  const takeReceipt: typeof journal.receipt = (...given) => {
    if (diskError) throw diskError
    return journal.receipt(...given)
  }
  const uplink = createUplink({
    clock,
    journal: Object.create(journal, { read: { value: read }, receipt: { value: takeReceipt } }) as typeof journal,
    box: 'box-1',
    boxKey: boxKeys.privateKey,
    receiptKey: collectorKeys.publicKey,
    sendBatch(bytes) {
      const batch = decodeBatch(bytes)
      if (!batch.ok) throw new Error(batch.error.detail)
      const hashes = verifyBatch(batch.value, boxKeys.publicKey)
      if (!hashes.ok) throw new Error(hashes.error.detail)
      sent.push({ first: batch.value.first, count: hashes.value.length, last: hashes.value.at(-1)! })
    },
    onProgress: () => counts.progress++,
    onCollectorTime: atWallMs => void times.push(atWallMs),
    onResend: () => counts.resends++,
    onContradicted: () => void told.push('contradicted'),
    onFailure: () => void told.push('failed'),
  })
  const append = () => journal.append('boot', { agent: 'test' })
  const receipt = (
    seq: number,
    hash: Uint8Array,
    changes: { box?: string; epoch?: Uint8Array } = {},
    key = collectorKeys.privateKey,
  ) =>
    signReceipt({ version: 1, box: 'box-1', epoch: journal.epoch, seq, hash, at: 1_790_000_000_000, ...changes }, key)
  const failDisk = () => {
    diskError = new Error('disk I/O error')
  }
  return { clock, journal, uplink, sent, counts, append, receipt, times, old, told, failDisk, reads: () => reads }
}

describe('the uplink', () => {
  test('sends nothing while the link is down, and everything when it comes', () => {
    const { uplink, sent, append } = setUp()
    append()
    append()
    uplink.wake()
    expect(sent).toEqual([])
    uplink.linkUp()
    expect(sent).toMatchObject([{ first: 1, count: 2 }])
  })

  test('a receipt that names another hash says that the journal went on elsewhere', () => {
    const { uplink, append, receipt, told } = setUp()
    append()
    expect(uplink.receiptArrived(receipt(1, CHAIN_START))).toMatchObject({ error: { code: 'receipt-differs' } })
    expect(told).toEqual(['contradicted'])
  })

  // Found by the campaign: a disk that failed under a receipt made the box begin a new journal and send all again.
  test('a receipt that meets a failed disk says nothing of the kind', () => {
    const { uplink, append, receipt, told, failDisk } = setUp()
    const { hash } = append()
    failDisk()
    expect(uplink.receiptArrived(receipt(1, hash))).toMatchObject({ error: { code: 'journal-not-usable' } })
    expect(told).toEqual(['failed'])
  })

  test('has one batch in flight; what came meanwhile goes after the receipt', () => {
    const { uplink, sent, append, receipt } = setUp()
    uplink.linkUp()
    append()
    uplink.wake()
    append()
    append()
    uplink.wake()
    expect(sent).toHaveLength(1)
    expect(uplink.receiptArrived(receipt(1, sent[0]!.last))).toEqual({ ok: true })
    expect(sent[1]).toMatchObject({ first: 2, count: 2 })
    expect(uplink.backlog()).toBe(2)
  })

  test('while a full batch waits for its receipt the next one is made, and goes at once', () => {
    const { clock, uplink, sent, append, receipt, reads } = setUp()
    for (let i = 0; i < BATCH_ENTRIES_MAX + 7; i++) append()
    uplink.linkUp()
    const first = reads()
    clock.advance(0)
    expect(reads()).toBe(first + 1)
    expect(sent).toHaveLength(1)
    uplink.receiptArrived(receipt(BATCH_ENTRIES_MAX, sent[0]!.last))
    expect(sent[1]).toMatchObject({ first: BATCH_ENTRIES_MAX + 1, count: 7 })
    clock.advance(0)
    expect(reads()).toBe(first + 1)
  })

  test('the batch behind is made bit by bit, so that a press goes between, and whole when its turn comes early', () => {
    const { clock, uplink, sent, append, receipt, reads } = setUp()
    for (let i = 0; i < 3 * BATCH_ENTRIES_MAX; i++) append()
    uplink.linkUp()
    const first = reads()
    let readsBetween = 0
    clock.after(0, () => {
      readsBetween = reads()
      uplink.receiptArrived(receipt(BATCH_ENTRIES_MAX, sent[0]!.last))
    })
    clock.advance(0)
    expect([first, readsBetween]).toEqual([5, 6])
    expect(sent[1]).toMatchObject({ first: BATCH_ENTRIES_MAX + 1, count: BATCH_ENTRIES_MAX })
    expect(sent).toHaveLength(2)
  })

  test('a link that is lost meanwhile ends that too, and leaves no timer', () => {
    const { clock, uplink, append, reads } = setUp()
    for (let i = 0; i < BATCH_ENTRIES_MAX + 7; i++) append()
    uplink.linkUp()
    const first = reads()
    uplink.linkDown()
    expect(clock.timers()).toBe(0)
    expect(reads()).toBe(first)
  })

  test('what was made ahead does not go to a collector that stands elsewhere', () => {
    const { clock, journal, uplink, sent, append, receipt } = setUp()
    for (let i = 0; i < BATCH_ENTRIES_MAX + 7; i++) append()
    uplink.linkUp()
    clock.advance(0)
    uplink.receiptArrived(receipt(3, journal.read(2, 1).last))
    expect(sent[1]).toMatchObject({ first: 4, count: BATCH_ENTRIES_MAX })
  })

  test('a link that swallows the batch gets it again, later and later, but always again', () => {
    const { clock, uplink, sent, counts, append } = setUp()
    uplink.linkUp()
    append()
    uplink.wake()
    clock.advance(5_000)
    expect(sent).toHaveLength(2)
    clock.advance(9_999)
    expect(sent).toHaveLength(2)
    clock.advance(1)
    expect(sent).toHaveLength(3)
    clock.advance(3_600_000)
    expect(sent.length).toBeGreaterThan(12)
    expect(counts.resends).toBe(sent.length - 1)
    expect(clock.timers()).toBe(1)
  })

  test('a forged receipt, one of another box, epoch or hash frees nothing', () => {
    const { uplink, sent, append, receipt, counts } = setUp()
    uplink.linkUp()
    append()
    uplink.wake()
    const { last } = sent[0]!
    const refused = [
      [receipt(1, last, {}, strangerKeys.privateKey), 'bad-signature'],
      [receipt(1, last, { box: 'box-2' }), 'receipt-of-another'],
      [receipt(1, last, { epoch: randomBytes(16) }), 'receipt-of-another'],
      [receipt(1, randomBytes(32)), 'receipt-differs'],
      [receipt(7, last), 'receipt-unknown'],
      [randomBytes(40), 'not-decodable'],
    ] as const
    for (const [bytes, code] of refused) {
      expect(uplink.receiptArrived(bytes), code).toMatchObject({ ok: false, error: { code } })
    }
    expect(uplink.backlog()).toBe(1)
    expect(counts.progress).toBe(0)
  })

  test('a collector that comes back from an old backup gets the rest again', () => {
    const { uplink, sent, append, receipt, journal } = setUp()
    uplink.linkUp()
    const head = append()
    append()
    append()
    uplink.wake()
    uplink.receiptArrived(receipt(3, journal.newest().hash))
    expect(uplink.backlog()).toBe(0)
    uplink.receiptArrived(receipt(1, head.hash))
    expect(sent.at(-1)).toMatchObject({ first: 2, count: 2 })
  })

  test('a collector that knows nothing of this epoch any more gets it from the beginning', () => {
    const { uplink, sent, append, receipt } = setUp()
    uplink.linkUp()
    append()
    const head = append()
    uplink.wake()
    uplink.receiptArrived(receipt(2, head.hash))
    expect(uplink.receiptArrived(receipt(0, CHAIN_START))).toEqual({ ok: true })
    expect(sent.at(-1)).toMatchObject({ first: 1, count: 2 })
  })

  test('the collector’s time is learnt from a receipt for an entry of this run, never from an old one', () => {
    const { uplink, append, receipt, times, old } = setUp({ old: true })
    const head = append()
    uplink.receiptArrived(receipt(old!.seq, old!.hash))
    expect(times).toEqual([])
    uplink.receiptArrived(receipt(head.seq, head.hash))
    expect(times).toEqual([1_790_000_000_000])
  })

  test('after an outage nothing is in flight and no timer is left from before', () => {
    const { clock, uplink, sent, append } = setUp()
    uplink.linkUp()
    append()
    uplink.wake()
    uplink.linkDown()
    expect(clock.timers()).toBe(0)
    clock.advance(86_400_000)
    expect(sent).toHaveLength(1)
    uplink.linkUp()
    expect(sent).toHaveLength(2)
  })
})
