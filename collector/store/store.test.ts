import { join } from 'node:path'
import Database from 'better-sqlite3'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { createTestCollector } from '#collector/fixtures/core.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { keepRefused, listQuarantine, quarantinedBody } from './quarantine.ts'
import { openStore, type Store } from './store.ts'

async function open(path = join(temporaryFolder(), 'store.sqlite')): Promise<Store> {
  const opened = await openStore(path)
  if (!opened.ok) throw new Error(opened.error.detail)
  return opened.value
}

test.each(['evidence', 'batches', 'registrations'])('%s can be neither changed nor removed', async table => {
  const collector = await createTestCollector()
  const box = collector.box('box-1')
  await collector.enrol(box)
  box.write({ kind: 'boot', body: { agent: '1' } })
  await collector.send('box-1', box.batch())
  await collector.core.verbs.registerService({ case: 'C1', service: 1 }, 'test')
  const { db } = collector.store
  const column = table === 'registrations' ? 'service' : 'box'
  for (const change of [`update ${table} set ${column} = 7`, `delete from ${table}`]) {
    await expect(sql.raw(change).execute(db)).rejects.toThrow(`${table} is append-only`)
  }
})

test('evidence cannot be replaced by inserting over it', async () => {
  const collector = await createTestCollector()
  await collector.enrol(collector.box('box-1'))
  const again = sql.raw(`insert or replace into evidence select * from evidence`)
  await expect(again.execute(collector.store.db)).rejects.toThrow('evidence is append-only')
})

test('a commit is on disk when it returns: synchronous is FULL, the journal a WAL', async () => {
  const { db, close } = await open()
  expect((await sql<{ synchronous: number }>`pragma synchronous`.execute(db)).rows).toEqual([{ synchronous: 2 }])
  expect((await sql<{ journal_mode: string }>`pragma journal_mode`.execute(db)).rows).toEqual([{ journal_mode: 'wal' }])
  await close()
})

test('a second collector on the same store is refused, and may have it when the first is gone', async () => {
  const path = join(temporaryFolder(), 'store.sqlite')
  const first = await open(path)
  expect(await openStore(path)).toMatchObject({ ok: false, error: { code: 'store-in-use' } })
  await first.close()
  await (await open(path)).close()
})

test('a store made by a newer program is refused', async () => {
  const path = join(temporaryFolder(), 'store.sqlite')
  await (await open(path)).close()
  const raw = new Database(path)
  raw.exec(`insert into kysely_migration values ('9999-future', '2030-01-01')`)
  raw.close()
  expect(await openStore(path)).toMatchObject({ ok: false, error: { code: 'store-not-usable' } })
})

test('the quarantine keeps the newest, by number and by size', async () => {
  const { db, close } = await open()
  const refuse = (n: number, limits: { rowsMax: number; bytesMax: number }) => {
    const bytes = new Uint8Array(100).fill(n)
    const body = quarantinedBody({ box: 'b', code: 'c', detail: 'd', bytes }, 1)
    return keepRefused(db, { position: n, atWallMs: n, body, bytes }, limits)
  }
  for (let n = 1; n <= 5; n++) await refuse(n, { rowsMax: 3, bytesMax: 1e9 })
  expect((await listQuarantine(db, 10)).map(row => row.first_at)).toEqual([5, 4, 3])
  await refuse(6, { rowsMax: 99, bytesMax: 250 })
  expect((await listQuarantine(db, 10)).map(row => row.first_at)).toEqual([6, 5])
  await close()
})

test('the reason of a failed transaction is told even when the store has already rolled it back', async () => {
  const { db, close } = await open()
  const failed = db.transaction().execute(async trx => {
    await sql`rollback`.execute(trx)
    throw new Error('the disk is full')
  })
  await expect(failed).rejects.toThrow('the disk is full')
  await close()
})
