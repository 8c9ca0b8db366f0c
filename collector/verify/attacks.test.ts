import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { shareFullStore } from '#collector/fixtures/full-store.ts'
import { type Attacker, tamper } from '#collector/fixtures/tamper.ts'
import { chainHashes } from '#protocol/chain.ts'
import { signTagged } from '#protocol/signature.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import type { VerifyFault } from './fault.ts'
import { verifyStore } from './verify-store.ts'

const store = shareFullStore()

async function verify(attack: (attacker: Attacker) => void, options: { everySignature?: boolean } = {}) {
  const { signingKey, openingKey } = store().keys
  const collectorKey = createPublicKey(signingKey)
  const path = tamper(store().path, attack)
  const verified = await verifyStore({
    path,
    collectorKey,
    openingKeys: [openingKey],
    workFolder: temporaryFolder(),
    ...options,
  })
  if (!verified.ok) throw new Error(verified.error.detail)
  return verified.value
}

const codes = (faults: readonly VerifyFault[]) => [...new Set(faults.map(({ table, code }) => `${table} ${code}`))]

interface EvidenceRow {
  position: number
  box: string
  epoch: Buffer
  seq: number
  hash: Buffer
  bytes: Buffer
  received_at: number
}

const entriesOf = ({ raw }: Attacker, where: string, ...values: unknown[]) =>
  raw.prepare<unknown[], EvidenceRow>(`select * from evidence where ${where} order by position`).all(...values)

/** The batch that holds the newest entry of a day that is closed. */
const CLOSED = `first_position < (select max(position) from digests)`

describe('somebody who knows the format and makes everything fit', () => {
  test('changes an entry and every hash behind it: the signature of the newest batch does not hold', async () => {
    const { faults } = await verify(attacker => {
      const rows = entriesOf(
        attacker,
        'box = ? and epoch = (select min(epoch) from evidence where box = ?)',
        'box-2',
        'box-2',
      )
      const at = rows.findIndex(row => row.bytes.includes('panel'))
      rows[at]!.bytes = Buffer.from(rows[at]!.bytes.toString('latin1').replace('A01', 'A02'), 'latin1')
      const { box, epoch } = rows[0]!
      const hashes = chainHashes(
        { box, epoch },
        1,
        new Uint8Array(32),
        rows.map(row => row.bytes),
      )
      for (const [i, row] of rows.entries()) {
        attacker.write('evidence', row.position, { bytes: row.bytes, hash: hashes[i]! })
        attacker.raw
          .prepare('update batches set previous = ? where box = ? and epoch = ? and first_seq = ?')
          .run(hashes[i]!, box, epoch, row.seq + 1)
      }
    })
    expect(codes(faults)).toContain('batches bad-signature')
    expect(faults.find(fault => fault.code === 'bad-signature')).toMatchObject({ box: 'box-2', columns: ['signature'] })
  })

  test('gives an entry another time in both tables: the receipt does not hold', async () => {
    let rowid = 0
    const { faults } = await verify(attacker => {
      const row = attacker.raw
        .prepare<[string], { first_position: number; last_position: number; received_at: number }>(
          `select * from batches where box = ? and ${CLOSED} order by first_position desc limit 1`,
        )
        .get('box-2')!
      rowid = row.first_position
      const earlier = row.received_at - 1
      attacker.write('batches', rowid, { received_at: earlier })
      for (let at = rowid; at <= row.last_position; at++) attacker.write('evidence', at, { received_at: earlier })
    })
    expect(faults.find(fault => fault.code === 'bad-receipt')).toMatchObject({
      table: 'batches',
      row: rowid,
      box: 'box-2',
    })
  })

  test('moves a batch of a closed day to another day: its receipt and the digest do not hold', async () => {
    const { faults } = await verify(attacker => {
      const late = 30 * 24 * 60 * 60 * 1000
      attacker.raw.exec(`update batches set received_at = received_at + ${late} where first_position = 4`)
      attacker.raw.exec(`update evidence set received_at = received_at + ${late} where position between 4 and
        (select last_position from batches where first_position = 4)`)
    })
    expect(codes(faults)).toContain('batches bad-receipt')
  })

  test('exchanges the places of two whole batches of a closed day: the digest of that day does not fit', async () => {
    const { faults } = await verify(attacker => exchangeBatches(attacker, CLOSED))
    expect(codes(faults)).toContain('evidence digest-differs')
  })

  test('splices two epochs of a box: the first entry that is not of its chain is named', async () => {
    let position = 0
    const { faults } = await verify(attacker => {
      const epochs = attacker.raw
        .prepare<[string], Buffer>('select epoch from evidence where box = ? group by epoch order by min(position)')
        .pluck()
        .all(store().box)
      const last = entriesOf(attacker, 'box = ? and epoch = ?', store().box, epochs[0]).at(-1)!
      const moved = entriesOf(attacker, 'box = ? and epoch = ?', store().box, epochs[1])
      position = moved[0]!.position
      for (const row of moved) attacker.write('evidence', row.position, { epoch: epochs[0]!, seq: last.seq + row.seq })
      attacker.raw
        .prepare('update batches set epoch = ?, first_seq = first_seq + ?, last_seq = last_seq + ? where epoch = ?')
        .run(epochs[0], last.seq, last.seq, epochs[1])
    })
    const first = faults.find(fault => fault.position === position)
    expect(first).toMatchObject({ box: store().box })
    expect(['batches', 'evidence']).toContain(first!.table)
  })

  test('cuts the tail off a chain and closes the gap in the positions: the chain or its digest shows it', async () => {
    const { faults } = await verify(attacker => {
      const { raw } = attacker
      const { first, last } = raw
        .prepare<[string], { first: number; last: number }>(
          `select first_position as first, last_position as last from batches where box = ? and ${CLOSED}
           order by first_position desc limit 1`,
        )
        .get('box-2')!
      const count = last - first + 1
      raw.exec(`delete from evidence where position between ${first} and ${last};
        delete from batches where first_position = ${first};
        update evidence set position = -position where position > ${last};
        update evidence set position = -position - ${count} where position < 0;
        update batches set first_position = -first_position, last_position = last_position - ${count}
          where first_position > ${last};
        update batches set first_position = -first_position - ${count} where first_position < 0`)
    })
    expect(codes(faults).filter(code => /^(evidence|batches) /.test(code))).not.toEqual([])
  })

  test.each([
    ['a number as bytes', 'batches', `first_seq = cast(cast(first_seq as text) as blob)`],
    ['a hash as text', 'batches', `previous = cast(previous as text)`],
    [
      'a byte moved from one column to the next',
      'batches',
      `signature = substr(signature, 1, 63), receipt = substr(signature, 64) || receipt`,
    ],
    ['a number as bytes', 'evidence', `seq = cast(cast(seq as text) as blob)`],
    ['a hash as text', 'evidence', `hash = cast(hash as text)`],
    [
      'a byte moved from one column to the next',
      'evidence',
      `hash = substr(hash, 1, 31), bytes = substr(hash, 32) || bytes`,
    ],
    ['bytes as text', 'evidence', `bytes = cast(bytes as text)`],
    ['a line break in a name', 'evidence', `box = box || char(10) || cast(epoch as text)`],
  ])('keeps every byte but not the column or the type it stood in: %s in %s is named', async (_, table, change) => {
    const key = table === 'batches' ? 'first_position' : 'position'
    let at = 0
    const { faults } = await verify(({ raw }) => {
      at = Number(raw.prepare(`select max(first_position) from batches where ${CLOSED}`).pluck().get())
      expect(raw.prepare(`update ${table} set ${change} where ${key} = ?`).run(at).changes).toBe(1)
    })
    expect(faults.filter(fault => fault.table === table && fault.position === at)).not.toEqual([])
  })

  test('signs a made-up rating with a key of his own, enrolled nowhere', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    let rowid = 0
    const { faults } = await verify(attacker => {
      const last = entriesOf(attacker, 'box = ?', 'box-2').at(-1)!
      const position = attacker.rowids('evidence').at(-1)! + 1
      const [hash] = chainHashes(last, last.seq + 1, last.hash, [last.bytes]) as [Uint8Array]
      attacker.insert('evidence', { ...last, position, seq: last.seq + 1, hash: Buffer.from(hash) })
      const batch = attacker.row('batches', attacker.rowids('batches').at(-1)!)
      rowid = attacker.insert('batches', {
        ...batch,
        first_position: position,
        last_position: position,
        box: 'box-2',
        hall: 'default',
        epoch: last.epoch,
        first_seq: last.seq + 1,
        last_seq: last.seq + 1,
        previous: last.hash,
        received_at: last.received_at,
        signature: signTagged('head', hash, privateKey),
      })
    })
    expect(faults.find(fault => fault.code === 'bad-signature')).toMatchObject({ table: 'batches', row: rowid })
  })

  test('lets the schema lose what protects it', async () => {
    const { faults } = await verify(({ raw }) => {
      raw.exec(`drop index prompts_by_day; create table notes (text); drop index batches_by_box;
        create index batches_by_box on batches (box)`)
    })
    expect(faults).toMatchObject([
      { code: 'schema-differs', table: 'batches', detail: 'the index batches_by_box is another' },
      { code: 'schema-differs', table: 'prompts', detail: 'the index prompts_by_day is missing' },
      { code: 'schema-differs', table: 'notes', detail: 'the table notes is not of this program' },
    ])
  })
})

describe('what no check of the store alone can find, as docs/evidence.md says', () => {
  test('the newest end of everything, cut off together with all that mentions it', async () => {
    const { faults } = await verify(attacker => {
      // The newest batch is a refused batch's entry: without it, and with the row it put aside, this is the store of a moment before.
      const last = attacker.row('batches', attacker.rowids('batches').at(-1)!)
      const from = Number(last['first_position'])
      expect(last['box']).toBe('collector')
      attacker.raw.exec(`delete from evidence where position >= ${from}; delete from batches where first_position >= ${from};
        delete from quarantine where id >= ${from};
        update projection_cursor set position = ${from - 1}, hash = (select hash from evidence where position = ${from - 1})`)
    })
    expect(faults).toEqual([])
  })

  test('two batches of different boxes that changed places on the day that has no digest yet', async () => {
    const { faults } = await verify(attacker => exchangeBatches(attacker, `not (${CLOSED})`))
    // The projections are derived from the new order; what tells the old one is only the tables not made anew.
    expect(codes(faults).filter(code => /^(evidence|batches) /.test(code))).toEqual([])
  })

  test('a cursor set back together with its hash, which does no harm', async () => {
    const { faults, notes } = await verify(({ raw }) => {
      raw.exec(`update projection_cursor set position = position - 1,
        hash = (select hash from evidence where position = (select position from projection_cursor) - 1)`)
    })
    expect(faults).toEqual([])
    expect(notes).toEqual([{ code: 'tables-behind', entries: 1 }])
  })

  test('another time at which a migration ran', async () => {
    const { faults } = await verify(({ raw }) => {
      raw.exec(`update kysely_migration set timestamp = '2020-01-01T00:00:00.000Z' where name like '0001%'`)
    })
    expect(faults).toEqual([])
  })

  test('the other form of a signature, on the day that has no digest yet: it is as good as the first', async () => {
    const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
    const flip = (where: string) =>
      verify(attacker => {
        const [row] = attacker.raw
          .prepare<[], { first_position: number; signature: Buffer }>(
            `select first_position, signature from batches where ${where} limit 1`,
          )
          .all()
        const s = N - BigInt(`0x${row!.signature.subarray(32).toString('hex')}`)
        const signature = Buffer.concat([
          row!.signature.subarray(0, 32),
          Buffer.from(s.toString(16).padStart(64, '0'), 'hex'),
        ])
        attacker.write('batches', row!.first_position, { signature })
      })
    expect((await flip(`not (${CLOSED})`)).faults).toEqual([])
    expect(codes((await flip(CLOSED)).faults)).toEqual(['evidence digest-differs'])
  })
})

/** Puts each of two neighbouring batches of one entry each, of different chains, where the other was. */
function exchangeBatches({ raw }: Attacker, where: string) {
  const pairs = raw
    .prepare<[], { a: number; b: number }>(
      `select x.first_position as a, y.first_position as b from batches x join batches y on y.first_position = x.last_position + 1
       where x.box <> y.box and x.first_position = x.last_position and y.first_position = y.last_position
         and x.received_at <> 0 and ${where.replaceAll('first_position <', 'x.first_position <')}`,
    )
    .all()
  if (pairs.length === 0) throw new Error('no two batches of one entry stand side by side')
  const { a, b } = pairs[0]!
  raw.exec(`update evidence set position = -1 where position = ${a}; update evidence set position = ${a} where position = ${b};
    update evidence set position = ${b} where position = -1;
    update batches set first_position = -1 where first_position = ${a};
    update batches set first_position = ${a}, last_position = ${a} where first_position = ${b};
    update batches set first_position = ${b}, last_position = ${b} where first_position = -1`)
}
