import { generateKeyPairSync } from 'node:crypto'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { createTestCollector } from '#collector/fixtures/core.ts'
import { rebuildStore } from '#collector/rebuild.ts'

const service = { case: '370000202611240001', service: 1 }

/** A store with one bad rating in it, closed, and its administrator at the SQL prompt. */
async function storeWithBadRating() {
  const collector = await createTestCollector()
  const box = collector.box('box-1')
  await collector.enrol(box)
  await collector.core.verbs.registerService(service, 'test')
  await box.rate(box.prompt(service), 'very-dissatisfied')
  await collector.send('box-1', box.batch())
  await collector.close()
  const { path, openingKey, signingKey } = collector
  return {
    path,
    openingKey,
    open: () => createTestCollector({ path, keys: { openingKey, signingKey } }),
    sql(...statements: string[]) {
      const database = new Database(path)
      for (const statement of statements) database.exec(statement)
      database.close()
    },
  }
}

test('a grade bettered by SQL shows at the next rebuild, which puts back what the citizen pressed', async () => {
  const { path, openingKey, open, sql } = await storeWithBadRating()
  sql("UPDATE ratings SET grade = 'very-satisfied'")
  expect(await rebuildStore(path, [openingKey])).toMatchObject({ ok: true, value: { isSame: false } })
  const again = await open()
  expect(await again.core.verbs.findService(service.case, 1)).toMatchObject({ rating: { grade: 'very-dissatisfied' } })
  await again.close()
  expect(await rebuildStore(path, [openingKey])).toMatchObject({ ok: true, value: { isSame: true } })
})

test('a rating removed or made up by SQL shows at the next rebuild as well', async () => {
  for (const change of [
    'DELETE FROM ratings',
    "UPDATE prompts SET outcome = 'declined'",
    'INSERT INTO services SELECT case_number, 2, position + 1000, source, item, window, clerk, served_at, registered_at FROM services',
  ]) {
    const { path, openingKey, sql } = await storeWithBadRating()
    sql(change)
    expect([change, await rebuildStore(path, [openingKey])]).toMatchObject([change, { value: { isSame: false } }])
  }
})

test('evidence taken away at the end is sent again by the box that wrote it', async () => {
  const collector = await createTestCollector()
  const box = collector.box('box-1')
  await collector.enrol(box)
  await box.rate(box.prompt(service), 'very-dissatisfied')
  await collector.send('box-1', box.batch())
  await collector.close()
  const database = new Database(collector.path)
  database.exec("DROP TRIGGER evidence_no_delete; DELETE FROM evidence WHERE box = 'box-1' AND seq = 2")
  database.close()
  const again = await createTestCollector({ path: collector.path, keys: collector })
  // The box has its receipt and goes on; what it sends then does not follow, and it is told from where to send.
  box.outcome(box.prompt(), 'timed-out')
  await again.send('box-1', box.batch(3))
  expect(again.receipts('box-1').at(-1)).toMatchObject({ seq: 1 })
  await again.send('box-1', box.batch(2))
  expect(again.receipts('box-1').at(-1)).toMatchObject({ seq: box.length() })
  await again.core.verbs.registerService(service, 'test')
  await again.settled()
  expect(await again.core.verbs.findService(service.case, 1)).toMatchObject({ rating: { grade: 'very-dissatisfied' } })
})

test('a thief of the store without the opening key reads no grade in the evidence', async () => {
  const { path, sql } = await storeWithBadRating()
  sql('DELETE FROM ratings', 'VACUUM')
  const stranger = generateKeyPairSync('x25519').privateKey
  const rebuilt = await rebuildStore(path, [stranger])
  expect(rebuilt).toMatchObject({ ok: true })
  const database = new Database(path)
  expect(database.prepare('SELECT grade, fault FROM ratings').all()).toEqual([
    { grade: null, fault: 'unknown-opening-key' },
  ])
  database.close()
})
