import type { Kysely } from 'kysely'
import type { ProjectedEntry } from '#collector/projection/projected.ts'
import type { Tables } from '#collector/store/tables.ts'
import { toHex } from '#protocol/codec.ts'
import { COLLECTOR_NAME } from '#protocol/names.ts'
import { createTimeBook, type Places, type TimeBook } from './time-book.ts'
import { createTimeRows } from './time-rows.ts'

/** Opens a book for each transaction, and remembers between them where the chains are. For one store. */
export interface TimeBooks {
  /** For the next entries in position order, or for those of a transaction that was rolled back. */
  open(trx: Kysely<Tables>, items: readonly ProjectedEntry[]): Promise<TimeBook>
}

/** Boxes remembered; with more it starts anew. */
const BOXES_MAX = 10_000

export function createTimeBooks(): TimeBooks {
  const rows = createTimeRows()
  let places: Places = new Map()
  /** What is remembered is how things are after this entry, if its transaction was committed. */
  let position = 0

  async function read(trx: Kysely<Tables>, boxes: readonly string[]) {
    const marks = new Map((await rows.lastMarksOf(trx, boxes)).map(mark => [mark.position, mark]))
    for (const box of boxes) places.set(box, new Map())
    for (const { box, epoch, ...end } of await rows.chainsOf(trx, boxes)) {
      places.get(box)!.set(toHex(epoch), { end, mark: marks.get(end.mark)! })
    }
  }

  return {
    async open(trx, items) {
      // What comes a second time was rolled back, and so was what it led to.
      const isNext = items.every(item => item.position > position)
      if (!isNext || places.size > BOXES_MAX) places = new Map()
      const unknown = new Set<string>()
      for (const { box } of items) if (box !== COLLECTOR_NAME && !places.has(box)) unknown.add(box)
      if (unknown.size > 0) await read(trx, [...unknown])
      const book = createTimeBook(places, rows)
      // Until the book is saved nothing may be built upon it.
      position = Number.POSITIVE_INFINITY
      return {
        note: book.note,
        async save(saving) {
          await book.save(saving)
          position = items.at(-1)?.position ?? 0
        },
      }
    },
  }
}
