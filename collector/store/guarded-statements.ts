import Database, { type Statement } from 'better-sqlite3'
import type { SqliteDatabase } from 'kysely'

type Prepared = ReturnType<SqliteDatabase['prepare']>

/** What a trigger of ours refused: `provenance`, or the name of a table that is only ever appended to. */
export type GuardListener = (what: string) => void

/** A statement that tells when the store's own rules refused it; the error goes on to whoever ran it. */
export function guarded(statement: Statement<unknown[]>, onRefused: GuardListener): Prepared {
  const telling =
    <A extends unknown[], R>(act: (...values: A) => R) =>
    (...values: A): R => {
      try {
        return act(...values)
      } catch (error) {
        const what = whatWasRefused(error)
        if (what) onRefused(what)
        throw error
      }
    }
  return {
    reader: statement.reader,
    all: telling(values => statement.all(values)),
    run: telling(values => statement.run(values)),
    iterate: telling(values => statement.iterate(values)),
  } as Prepared
}

function whatWasRefused(error: unknown): string | undefined {
  if (!(error instanceof Database.SqliteError) || error.code !== 'SQLITE_CONSTRAINT_TRIGGER') return undefined
  if (error.message.includes('provenance')) return 'provenance'
  return /^(\w+) is append-only$/.exec(error.message)?.[1]?.replaceAll('_', '-')
}
