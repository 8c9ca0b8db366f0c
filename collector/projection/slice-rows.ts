import { type Kysely, type RawBuilder, sql } from 'kysely'
import { createListReader, createRowWriter } from '#collector/store/row-statements.ts'
import type { BoxRow, EpochRow, OddityRow, PromptRow, RatingRow, ServiceRow, Tables } from '#collector/store/tables.ts'
import { COLLECTOR_NAME } from '#protocol/names.ts'
import type { ProjectedEntry } from './projected.ts'

type ServiceKey = Pick<ServiceRow, 'case_number' | 'service'>
export type StoredPress = Pick<RatingRow, 'box' | 'prompt' | 'position' | 'kind' | 'standing'>
export type BoxHead = Pick<BoxRow, 'box' | 'epoch' | 'seq' | 'received_at'>

/** What the store holds of all that the entries of a slice speak of, and of what decides together with that. */
export interface KnownRows {
  prompts: PromptRow[]
  presses: StoredPress[]
  services: ServiceKey[]
  /** Every epoch of the boxes. */
  epochs: EpochRow[]
}

/** The few statements with which slices are read and written, however many entries they have. For one store. */
export type SliceRows = ReturnType<typeof createSliceRows>

export function createSliceRows() {
  const promptsById = createListReader<Uint8Array, PromptAndPress>((db, ids) =>
    promptsAndPresses(db).where('prompts.prompt', 'in', ids),
  )
  const promptsByCase = createListReader<string, PromptAndPress>((db, cases) =>
    promptsAndPresses(db).where('prompts.case_number', 'in', cases),
  )
  const servicesByCase = createListReader<string, ServiceKey>((db, cases) =>
    db.selectFrom('services').select(['case_number', 'service']).where('case_number', 'in', cases),
  )
  const epochsByBox = createListReader<string, EpochRow>((db, boxes) =>
    db.selectFrom('epochs').selectAll().where('box', 'in', boxes),
  )

  return {
    async readKnown(trx: Kysely<Tables>, items: readonly ProjectedEntry[]): Promise<KnownRows> {
      const { prompts, cases, boxes } = spokenOf(items)
      const found = await promptsById(trx, prompts.values())
      for (const { case_number } of found) if (case_number !== null) cases.add(case_number)
      found.push(...(await promptsByCase(trx, cases)))
      return {
        ...apart(found),
        services: await servicesByCase(trx, cases),
        epochs: await epochsByBox(trx, boxes),
      }
    },
    writePrompts: createRowWriter<PromptRow>((db, rows) =>
      db
        .insertInto('prompts')
        .values(rows)
        .onConflict(once => once.columns(['box', 'prompt']).doUpdateSet(fromNew(rows[0]!, ['box', 'prompt']))),
    ),
    writeRatings: createRowWriter<RatingRow>((db, rows) => db.insertInto('ratings').values(rows)),
    writeServices: createRowWriter<ServiceRow>((db, rows) => db.insertInto('services').values(rows)),
    writeOddities: createRowWriter<OddityRow>((db, rows) => db.insertInto('oddities').values(rows)),
    /** The other columns of a box stay as they are, or empty. */
    writeHeads: createRowWriter<BoxHead>((db, rows) =>
      db
        .insertInto('boxes')
        .values(rows as readonly BoxRow[])
        .onConflict(once => once.column('box').doUpdateSet(fromNew(rows[0]!, ['box']))),
    ),
    /** Of an epoch that is there already only its end moves. */
    writeEpochs: createRowWriter<EpochRow>((db, rows) =>
      db
        .insertInto('epochs')
        .values(rows)
        .onConflict(once => once.columns(['box', 'epoch']).doUpdateSet(endOf(rows[0]!))),
    ),
  }
}

/** What has to be known before a slice is applied. */
function spokenOf(items: readonly ProjectedEntry[]) {
  const prompts = new Map<string, Uint8Array>()
  const cases = new Set<string>()
  const boxes = new Set<string>()
  for (const { box, entry } of items) {
    if (box !== COLLECTOR_NAME) boxes.add(box)
    if ('prompt' in entry.body) prompts.set(Buffer.from(entry.body.prompt).toString('latin1'), entry.body.prompt)
    if (entry.kind === 'prompt' && entry.body.for) cases.add(entry.body.for.case)
    if (entry.kind === 'case') cases.add(entry.body.case)
  }
  return { prompts, cases, boxes }
}

type PromptAndPress = PromptRow & { press: number | null } & { [K in 'kind' | 'standing']: RatingRow[K] | null }

function promptsAndPresses(db: Kysely<Tables>) {
  return db
    .selectFrom('prompts')
    .leftJoin('ratings', join =>
      join.onRef('ratings.box', '=', 'prompts.box').onRef('ratings.prompt', '=', 'prompts.prompt'),
    )
    .selectAll('prompts')
    .select(['ratings.position as press', 'ratings.kind', 'ratings.standing'])
}

/** A prompt comes once for each of its presses, and again where it was asked for in two ways. */
function apart(rows: readonly PromptAndPress[]): Pick<KnownRows, 'prompts' | 'presses'> {
  const prompts: PromptRow[] = []
  const presses = new Map<number, StoredPress>()
  for (const { press, kind, standing, ...prompt } of rows) {
    prompts.push(prompt)
    if (press === null) continue
    const { box, prompt: id } = prompt
    presses.set(press, { box, prompt: id, position: press, kind: kind!, standing: standing! })
  }
  return { prompts, presses: [...presses.values()] }
}

/** Gives every column but the key what the row brings that is there already. */
function fromNew(row: object, key: readonly string[]): Record<string, RawBuilder<never>> {
  const columns = Object.keys(row).filter(column => !key.includes(column))
  return Object.fromEntries(columns.map(column => [column, sql.ref<never>(`excluded.${column}`)]))
}

const endOf = ({ last_seq, last_hash }: EpochRow) => fromNew({ last_seq, last_hash }, [])
