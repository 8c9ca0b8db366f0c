import { type Kysely, sql } from 'kysely'
import type { Migration, MigrationProvider } from 'kysely/migration'

/** What the two dialects call the same thing, so that the rest of a migration is one text for both. */
const SQLITE = { bytes: sql`blob`, whole: sql`integer`, text: sql`text` }

/** In-code migrations: an air-gapped server gets the schema with the program. Only ever appended to. */
export const migrationProvider: MigrationProvider = {
  getMigrations: () =>
    Promise.resolve({
      '0001-evidence': evidence,
      '0002-projections': projections,
      '0003-incidents': incidents,
      '0004-time': time,
    }),
}

// biome-ignore lint/suspicious/noExplicitAny: a migration runs on the schema of its day, not on today's types.
type AnyDatabase = Kysely<any>

const evidence: Migration = {
  async up(db: AnyDatabase) {
    const { bytes, whole, text } = SQLITE
    await db.schema
      .createTable('evidence')
      .addColumn('position', whole, column => column.primaryKey())
      .addColumn('box', text, column => column.notNull())
      .addColumn('epoch', bytes, column => column.notNull())
      .addColumn('seq', whole, column => column.notNull())
      .addColumn('hash', bytes, column => column.notNull())
      .addColumn('bytes', bytes, column => column.notNull())
      .addColumn('received_at', whole, column => column.notNull())
      .addUniqueConstraint('evidence_once', ['box', 'epoch', 'seq'])
      .execute()
    await db.schema
      .createTable('batches')
      .addColumn('first_position', whole, column => column.primaryKey())
      .addColumn('last_position', whole, column => column.notNull())
      .addColumn('box', text, column => column.notNull())
      .addColumn('epoch', bytes, column => column.notNull())
      .addColumn('first_seq', whole, column => column.notNull())
      .addColumn('last_seq', whole, column => column.notNull())
      .addColumn('previous', bytes, column => column.notNull())
      .addColumn('signature', bytes, column => column.notNull())
      .addColumn('received_at', whole, column => column.notNull())
      .addColumn('hall', text, column => column.notNull())
      .addColumn('receipt', bytes, column => column.notNull())
      .execute()
    await db.schema.createIndex('batches_by_box').on('batches').columns(['box', 'first_position']).execute()
    await db.schema
      .createTable('registrations')
      .addColumn('case_number', text, column => column.notNull())
      .addColumn('service', whole, column => column.notNull())
      .addColumn('position', whole, column => column.notNull())
      .addPrimaryKeyConstraint('registrations_once', ['case_number', 'service'])
      .execute()
    await db.schema
      .createTable('quarantine')
      .addColumn('id', whole, column => column.primaryKey())
      .addColumn('box', text, column => column.notNull())
      .addColumn('code', text, column => column.notNull())
      .addColumn('detail', text, column => column.notNull())
      .addColumn('sha256', bytes, column => column.notNull())
      .addColumn('bytes', bytes, column => column.notNull())
      .addColumn('size', whole, column => column.notNull())
      .addColumn('first_at', whole, column => column.notNull())
      .addColumn('last_at', whole, column => column.notNull())
      .addColumn('times', whole, column => column.notNull())
      .addUniqueConstraint('quarantine_once', ['box', 'sha256'])
      .execute()
    for (const table of ['evidence', 'batches', 'registrations']) await forbidChanges(db, table)
  },
}

const NOTHING_PROJECTED = { position: 0, hash: new Uint8Array(32) }

/** Append-only is not a habit of our code but a rule of the table. */
async function forbidChanges(db: AnyDatabase, table: string) {
  for (const change of ['update', 'delete']) {
    await sql
      .raw(
        `create trigger ${table}_no_${change} before ${change} on ${table}
         begin select raise(abort, '${table} is append-only'); end`,
      )
      .execute(db)
  }
}

const projections: Migration = {
  async up(db: AnyDatabase) {
    const { bytes, whole, text } = SQLITE
    await db.schema
      .createTable('projection_cursor')
      .addColumn('id', whole, column => column.primaryKey())
      .addColumn('position', whole, column => column.notNull())
      .addColumn('hash', bytes, column => column.notNull())
      .execute()
    await db
      .insertInto('projection_cursor')
      .values({ id: 1, ...NOTHING_PROJECTED })
      .execute()
    await db.schema
      .createTable('boxes')
      .addColumn('box', text, column => column.primaryKey())
      .addColumn('key', bytes)
      .addColumn('hall', text)
      .addColumn('enrolled_at', whole)
      .addColumn('agent', text)
      .addColumn('epoch', bytes)
      .addColumn('seq', whole)
      .addColumn('received_at', whole)
      .execute()
    await db.schema
      .createTable('services')
      .addColumn('case_number', text, column => column.notNull())
      .addColumn('service', whole, column => column.notNull())
      .addColumn('position', whole, column => column.notNull().unique())
      .addColumn('source', text, column => column.notNull())
      .addColumn('item', text)
      .addColumn('window', text)
      .addColumn('clerk', text)
      .addColumn('served_at', whole)
      .addColumn('registered_at', whole, column => column.notNull())
      .addPrimaryKeyConstraint('services_once', ['case_number', 'service'])
      .execute()
    await db.schema
      .createTable('prompts')
      .addColumn('box', text, column => column.notNull())
      .addColumn('prompt', bytes, column => column.notNull())
      .addColumn('position', whole)
      .addColumn('window', text)
      .addColumn('origin', text)
      .addColumn('case_number', text)
      .addColumn('service', whole)
      .addColumn('clerk', text)
      .addColumn('opened_at', whole)
      .addColumn('outcome', text)
      .addColumn('reason', text)
      .addColumn('ended_position', whole)
      .addColumn('ended_at', whole)
      .addPrimaryKeyConstraint('prompts_once', ['box', 'prompt'])
      .execute()
    await db.schema.createIndex('prompts_by_id').on('prompts').column('prompt').execute()
    await db.schema.createIndex('prompts_by_service').on('prompts').columns(['case_number', 'service']).execute()
    await db.schema
      .createTable('ratings')
      .addColumn('position', whole, column => column.primaryKey())
      .addColumn('box', text, column => column.notNull())
      .addColumn('epoch', bytes, column => column.notNull())
      .addColumn('seq', whole, column => column.notNull())
      .addColumn('hash', bytes, column => column.notNull())
      .addColumn('prompt', bytes, column => column.notNull())
      .addColumn('kind', text, column => column.notNull())
      .addColumn('provenance', text, column => column.notNull())
      .addColumn('grade', text)
      .addColumn('fault', text)
      .addColumn('tags', text)
      .addColumn('words', text)
      .addColumn('at', whole, column => column.notNull())
      .addColumn('received_at', whole, column => column.notNull())
      .addColumn('standing', text, column => column.notNull())
      .execute()
    await db.schema.createIndex('ratings_by_prompt').on('ratings').columns(['box', 'prompt']).execute()
    await db.schema.createIndex('ratings_by_standing').on('ratings').columns(['standing', 'position']).execute()
    await db.schema
      .createTable('oddities')
      .addColumn('position', whole, column => column.notNull())
      .addColumn('box', text, column => column.notNull())
      .addColumn('code', text, column => column.notNull())
      .addPrimaryKeyConstraint('oddities_once', ['position', 'code'])
      .execute()
    await db.schema
      .createTable('digests')
      .addColumn('day', text, column => column.notNull())
      .addColumn('hall', text, column => column.notNull())
      .addColumn('position', whole, column => column.notNull())
      .addColumn('entries', whole, column => column.notNull())
      .addColumn('root', bytes, column => column.notNull())
      .addColumn('batches', bytes, column => column.notNull())
      .addPrimaryKeyConstraint('digests_once', ['day', 'hall'])
      .execute()
  },
}

const incidents: Migration = {
  async up(db: AnyDatabase) {
    await createIncidentTables(db)
    await sql`alter table prompts add column day integer`.execute(db)
    await sql`alter table prompts add column day_of text`.execute(db)
    await db.schema
      .createIndex('prompts_by_day')
      .on('prompts')
      .columns(['day', 'window', 'outcome', 'reason', 'clerk', 'day_of'])
      .execute()
    await fixProvenance(db)
    await forgetProjected(db, ['boxes', 'services', 'prompts', 'ratings', 'oddities', 'digests'])
  },
}

/** What an older program projected lacks columns and tables: it is projected again at the next start. */
async function forgetProjected(db: AnyDatabase, tables: readonly string[]) {
  for (const table of tables) await db.deleteFrom(table).execute()
  await db.updateTable('projection_cursor').set(NOTHING_PROJECTED).execute()
}

async function createIncidentTables(db: AnyDatabase) {
  const { bytes, whole, text } = SQLITE
  await db.schema
    .createTable('box_keys')
    .addColumn('position', whole, column => column.primaryKey())
    .addColumn('box', text, column => column.notNull())
    .addColumn('key', bytes)
    .addColumn('revoked_position', whole)
    .addColumn('revoked_at', whole)
    .addColumn('serial', text)
    .addColumn('reason', text)
    .execute()
  await db.schema.createIndex('box_keys_by_box').on('box_keys').columns(['box', 'position']).execute()
  await db.schema
    .createTable('epochs')
    .addColumn('box', text, column => column.notNull())
    .addColumn('epoch', bytes, column => column.notNull())
    .addColumn('position', whole, column => column.notNull())
    .addColumn('first_seq', whole, column => column.notNull())
    .addColumn('last_seq', whole, column => column.notNull())
    .addColumn('last_hash', bytes, column => column.notNull())
    .addColumn('began_at', whole, column => column.notNull())
    .addColumn('reason', text)
    .addColumn('previous', bytes)
    .addColumn('origin', text, column => column.notNull())
    .addColumn('missing', whole, column => column.notNull())
    .addColumn('ended_seq', whole)
    .addPrimaryKeyConstraint('epochs_once', ['box', 'epoch'])
    .execute()
  await db.schema.createIndex('epochs_by_box').on('epochs').columns(['box', 'position']).execute()
  await db.schema
    .createTable('gaps')
    .addColumn('box', text, column => column.notNull())
    .addColumn('epoch', bytes, column => column.notNull())
    .addColumn('from_seq', whole, column => column.notNull())
    .addColumn('to_seq', whole, column => column.notNull())
    .addColumn('previous', bytes, column => column.notNull())
    .addColumn('position', whole, column => column.notNull())
    .addColumn('at', whole, column => column.notNull())
    .addColumn('explained_by', text)
    .addColumn('note', text)
    .addPrimaryKeyConstraint('gaps_once', ['box', 'epoch', 'from_seq'])
    .execute()
  await db.schema
    .createTable('findings')
    .addColumn('box', text, column => column.notNull())
    .addColumn('code', text, column => column.notNull())
    .addColumn('epoch', bytes, column => column.notNull())
    .addColumn('seq', whole, column => column.notNull())
    .addColumn('hash', bytes, column => column.notNull())
    .addColumn('position', whole, column => column.notNull())
    .addColumn('at', whole, column => column.notNull())
    .addPrimaryKeyConstraint('findings_once', ['box', 'code', 'epoch'])
    .execute()
  await db.schema
    .createTable('acceptances')
    .addColumn('box', text, column => column.notNull())
    .addColumn('batch', bytes, column => column.notNull())
    .addColumn('epoch', bytes, column => column.notNull())
    .addColumn('first_seq', whole, column => column.notNull())
    .addColumn('last_seq', whole, column => column.notNull())
    .addColumn('accepted_by', text, column => column.notNull())
    .addColumn('reason', text, column => column.notNull())
    .addColumn('position', whole, column => column.notNull())
    .addPrimaryKeyConstraint('acceptances_once', ['box', 'batch'])
    .execute()
}

const time: Migration = {
  async up(db: AnyDatabase) {
    const { bytes, whole, text } = SQLITE
    await db.schema
      .createTable('time_chains')
      .addColumn('box', text, column => column.notNull())
      .addColumn('epoch', bytes, column => column.notNull())
      .addColumn('mark', whole, column => column.notNull())
      .addColumn('mono', whole, column => column.notNull())
      .addColumn('until', whole, column => column.notNull())
      .addColumn('received', whole, column => column.notNull())
      .addColumn('hint', whole)
      .addColumn('high_mono', whole, column => column.notNull())
      .addColumn('high', whole, column => column.notNull())
      .addColumn('ahead', whole)
      .addPrimaryKeyConstraint('time_chains_once', ['box', 'epoch'])
      .execute()
    let marks = db.schema
      .createTable('time_marks')
      .addColumn('position', whole, column => column.primaryKey())
      .addColumn('boot', bytes, column => column.notNull())
    for (const column of ['mono', 'is_joined', 'is_anchored', 'is_void', 'high', 'received', 'latest', 'best']) {
      marks = marks.addColumn(column, whole, each => each.notNull())
    }
    for (const column of [
      'before',
      'next',
      'own_low',
      'own_high',
      'low',
      'hint',
      'back_low',
      'back_high',
      'earliest',
    ]) {
      marks = marks.addColumn(column, whole)
    }
    for (const column of ['end_mono', 'end_until', 'end_received', 'end_hint']) marks = marks.addColumn(column, whole)
    await marks.execute()
    await db.schema
      .createTable('instants')
      .addColumn('position', whole, column => column.primaryKey())
      .addColumn('mark', whole, column => column.notNull())
      .addColumn('mono', whole, column => column.notNull())
      .addColumn('until', whole, column => column.notNull())
      .addColumn('received', whole, column => column.notNull())
      .addColumn('hint', whole)
      .execute()
    await db.schema.createIndex('instants_by_mark').on('instants').columns(['mark', 'position']).execute()
    await db.schema.createIndex('prompts_by_position').on('prompts').column('position').execute()
    await db.schema.dropIndex('prompts_by_day').execute()
    await sql`alter table prompts drop column day_of`.execute(db)
    await sql`alter table prompts add column day_sure integer`.execute(db)
    await db.schema
      .createIndex('prompts_by_day')
      .on('prompts')
      .columns(['day', 'window', 'outcome', 'reason', 'clerk', 'day_sure'])
      .execute()
    await forgetProjected(db, [
      ...['boxes', 'services', 'prompts', 'ratings', 'oddities', 'digests'],
      ...['box_keys', 'epochs', 'gaps', 'findings', 'acceptances'],
    ])
  },
}

/** What the entry of a press holds, to the byte: deterministic CBOR has one encoding for a name and its value. */
const PROVENANCE_IN_EVIDENCE = { pad: 'provenance\x63pad', screen: 'provenance\x66screen' }

/**
 * The provenance of a rating is what its entry says, and stays so: neither a later change nor a row made
 * anew can say otherwise. A migration that adds a provenance must make these triggers anew.
 */
async function fixProvenance(db: AnyDatabase) {
  const said = Object.entries(PROVENANCE_IN_EVIDENCE)
    .map(([provenance, text]) => `when '${provenance}' then x'6a${Buffer.from(text, 'latin1').toString('hex')}'`)
    .join(' ')
  const refusal = `begin select raise(abort, 'the provenance of a rating is fixed'); end`
  await sql
    .raw(
      `create trigger ratings_provenance_kept before update of provenance, position on ratings
       when new.provenance is not old.provenance or new.position is not old.position ${refusal}`,
    )
    .execute(db)
  await sql
    .raw(
      `create trigger ratings_provenance_as_captured before insert on ratings
       when coalesce(instr((select bytes from evidence where position = new.position),
         case new.provenance ${said} end), 0) = 0 ${refusal}`,
    )
    .execute(db)
}
