import type { CompiledQuery, Kysely } from 'kysely'
import type { Tables } from './tables.ts'

/** Few sizes, so that few statements stay prepared; 500 rows take eight of them. */
const SIZES = [256, 64, 16, 4, 1]

/** A query as its builder gives it. */
interface Compilable<R = unknown> {
  compile(): CompiledQuery<R>
}

/** Writes many rows of one table with few statements, in their order. */
export type RowWriter<R> = (db: Kysely<Tables>, rows: readonly R[]) => Promise<void>

/**
 * Writes rows by the multi-row insert that `build` gives for as many of them. Its text is made once per size:
 * building it costs more than running it. For one store, as the texts are of its dialect; every row has the
 * columns of the first.
 */
export function createRowWriter<R extends object>(
  build: (db: Kysely<Tables>, rows: readonly R[]) => Compilable,
): RowWriter<R> {
  let columns: (keyof R)[] | undefined
  const texts = new Map<number, CompiledQuery>()
  return async (db, rows) => {
    let at = 0
    for (const size of SIZES) {
      for (; rows.length - at >= size; at += size) {
        const first = rows[at]!
        columns ??= Object.keys(first) as (keyof R)[]
        const text = kept(texts, size, columns.length * size, () => build(db, Array<R>(size).fill(first)))
        const parameters: unknown[] = []
        for (let i = at; i < at + size; i++) for (const column of columns) parameters.push(rows[i]![column])
        await db.executeQuery({ ...text, parameters })
      }
    }
  }
}

/** Reads what belongs to any of the values. */
export type ListReader<V, R> = (db: Kysely<Tables>, values: Iterable<V>) => Promise<R[]>

/** The same for reading by a list of values, the only parameters of the query that `build` gives. */
export function createListReader<V, R>(
  build: (db: Kysely<Tables>, values: readonly V[]) => Compilable<R>,
): ListReader<V, R> {
  const texts = new Map<number, CompiledQuery<R>>()
  return async (db, values) => {
    const wanted = [...values]
    const found: R[] = []
    for (let at = 0; at < wanted.length; ) {
      const left = wanted.length - at
      const size = SIZES.findLast(each => each >= left) ?? SIZES[0]!
      const parameters = wanted.slice(at, at + size)
      at += size
      // A list may name a value twice: the last one fills the places that are left.
      while (parameters.length < size) parameters.push(parameters.at(-1)!)
      const text = kept(texts, size, size, () => build(db, parameters))
      found.push(...(await db.executeQuery<R>({ ...text, parameters })).rows)
    }
    return found
  }
}

function kept<R>(
  texts: Map<number, CompiledQuery<R>>,
  size: number,
  parametersCount: number,
  build: () => Compilable<R>,
): CompiledQuery<R> {
  const known = texts.get(size)
  if (known) return known
  const made = build().compile()
  if (made.parameters.length !== parametersCount) throw new Error('a statement has other parameters than its rows')
  texts.set(size, made)
  return made
}
