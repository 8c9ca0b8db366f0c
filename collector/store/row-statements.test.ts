import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { createListReader, createRowWriter } from './row-statements.ts'
import { createScratchStore } from './scratch-store.ts'
import type { OddityRow } from './tables.ts'

const writer = () => createRowWriter<OddityRow>((db, rows) => db.insertInto('oddities').values(rows))
const reader = () =>
  createListReader<number, OddityRow>((db, positions) =>
    db.selectFrom('oddities').selectAll().where('position', 'in', positions),
  )

const rowsOf = (count: number): OddityRow[] =>
  Array.from({ length: count }, (_, i) => ({ position: i + 1, box: `box-${i % 7}`, code: `code-${i % 3}` }))

test('as many rows as there are go in, in their order, and every one is found by its value', async () => {
  const { db, close } = await createScratchStore(':memory:')
  onTestFinished(close)
  const [write, read] = [writer(), reader()]
  // Each statement is made once and used for all runs.
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 700 }), fc.integer({ min: 0, max: 300 }), async (count, wanted) => {
      const rows = rowsOf(count)
      await db.deleteFrom('oddities').execute()
      await write(db, rows)
      expect(await db.selectFrom('oddities').selectAll().orderBy('position').execute()).toEqual(rows)
      const found = await read(
        db,
        rows.slice(0, wanted).map(row => row.position),
      )
      expect(found.sort((a, b) => a.position - b.position)).toEqual(rows.slice(0, wanted))
    }),
    { numRuns: 40 },
  )
})

test('a statement with a parameter of its own is our mistake', async () => {
  const { db, close } = await createScratchStore(':memory:')
  onTestFinished(close)
  const read = createListReader<number, OddityRow>((on, positions) =>
    on.selectFrom('oddities').selectAll().where('code', '=', 'x').where('position', 'in', positions),
  )
  await expect(read(db, [1])).rejects.toThrow('other parameters')
})
