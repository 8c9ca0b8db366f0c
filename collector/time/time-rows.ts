import { type Kysely, sql } from 'kysely'
import { createListReader, createRowWriter } from '#collector/store/row-statements.ts'
import type { Tables, TimeChainRow } from '#collector/store/tables.ts'
import type { InstantRow, Mark } from './segments.ts'

/** The few statements with which time lines are read and written. For one store. */
export type TimeRows = ReturnType<typeof createTimeRows>

/** Columns of a mark that change after it was made. */
const CHANGING = ['next', 'is_void', 'back_low', 'back_high', 'earliest', 'latest', 'best'] as const
const CHAIN_COLUMNS = ['mark', 'mono', 'until', 'received', 'hint', 'high_mono', 'high', 'ahead'] as const

export function createTimeRows() {
  return {
    chainsOf: createListReader<string, TimeChainRow>((db, boxes) =>
      db.selectFrom('time_chains').selectAll().where('box', 'in', boxes),
    ),
    /** The marks of the last stretch of each of their chains. */
    lastMarksOf: createListReader<string, Mark>((db, boxes) =>
      db
        .selectFrom('time_chains')
        .innerJoin('time_marks', 'time_marks.position', 'time_chains.mark')
        .selectAll('time_marks')
        .where('time_chains.box', 'in', boxes),
    ),
    marks: createListReader<number, Mark>((db, positions) =>
      db.selectFrom('time_marks').selectAll().where('position', 'in', positions),
    ),
    writeChains: createRowWriter<TimeChainRow>((db, rows) =>
      db
        .insertInto('time_chains')
        .values(rows)
        .onConflict(once => once.columns(['box', 'epoch']).doUpdateSet(fromNew(CHAIN_COLUMNS))),
    ),
    /** Rows as `inColumns` gives them. */
    writeMarks: createRowWriter<Mark>((db, rows) =>
      db
        .insertInto('time_marks')
        .values(rows)
        .onConflict(once => once.column('position').doUpdateSet(fromNew(CHANGING))),
    ),
    writeInstants: createRowWriter<InstantRow>((db, rows) => db.insertInto('instants').values(rows)),
  }
}

/** The columns in one order, wherever a mark comes from: a statement is made once, by its first row. */
export function inColumns(mark: Mark): Mark {
  return Object.fromEntries(Object.entries(mark).sort(([a], [b]) => (a < b ? -1 : 1))) as unknown as Mark
}

function fromNew(columns: readonly string[]) {
  return Object.fromEntries(columns.map(column => [column, sql.ref<never>(`excluded.${column}`)]))
}

export interface DatedPrompt extends InstantRow {
  day: number | null
  day_sure: 0 | 1 | null
}

/** The opened prompts of a stretch, in order, with the days they are counted on. */
export function promptsOfMark(db: Kysely<Tables>, mark: number): Promise<DatedPrompt[]> {
  return db
    .selectFrom('instants')
    .innerJoin('prompts', 'prompts.position', 'instants.position')
    .selectAll('instants')
    .select(['prompts.day', 'prompts.day_sure'])
    .where('instants.mark', '=', mark)
    .orderBy('instants.position')
    .execute()
}

/** Counts the prompts of a stretch between two positions on this day. */
export async function countOn(
  db: Kysely<Tables>,
  stretch: { mark: number; first: number; last: number },
  day: { day: number | null; day_sure: 0 | 1 | null },
): Promise<void> {
  const positions = db
    .selectFrom('instants')
    .select('position')
    .where('mark', '=', stretch.mark)
    .where('position', '>=', stretch.first)
    .where('position', '<=', stretch.last)
  await db.updateTable('prompts').set(day).where('position', 'in', positions).execute()
}
