import { type Kysely, sql } from 'kysely'
import type { Migration, MigrationProvider } from 'kysely/migration'

/** What the two dialects call the same thing, so that the rest of a migration is one text for both. */
const SQLITE = { bytes: sql`blob`, whole: sql`integer`, text: sql`text` }

/** In-code migrations: an air-gapped server gets the schema with the program. Only ever appended to. */
export const migrationProvider: MigrationProvider = {
  getMigrations: () => Promise.resolve({ '0001-evidence': evidence, '0002-projections': projections }),
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
      .addColumn('receipt', bytes)
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
      .execute()
    await db.insertInto('projection_cursor').values({ id: 1, position: 0 }).execute()
    await db.schema
      .createTable('boxes')
      .addColumn('box', text, column => column.primaryKey())
      .addColumn('key', bytes)
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
  },
}
