import type { Kysely } from 'kysely'
import { formatDay } from '#collector/projection/day.ts'
import type { PromptCountsView } from '#collector/schemas.ts'
import type { Tables } from '#collector/store/tables.ts'

export interface PromptCountsQuery {
  /** Days since 1970-01-01 by the calendar of China, both counted. */
  from: number
  to: number
  window?: string
}

type Row = PromptCountsView['counts'][number]

/**
 * How the prompts of each window and day ended. Every prompt is in exactly one of the columns, so their sum is
 * the number of prompts. Read from an index alone, about a million prompts a second.
 */
export async function countPrompts(db: Kysely<Tables>, query: PromptCountsQuery): Promise<PromptCountsView> {
  let groups = db
    .selectFrom('prompts')
    .select(['day', 'window', 'outcome', 'reason', 'clerk', 'day_sure'])
    .select(eb => eb.fn.countAll<number>().as('n'))
    .where('day', '>=', query.from)
    .where('day', '<=', query.to)
    .groupBy(['day', 'window', 'outcome', 'reason', 'clerk', 'day_sure'])
    .orderBy('day')
    .orderBy('window')
  if (query.window !== undefined) groups = groups.where('window', '=', query.window)
  const rows = new Map<string, Row>()
  for (const group of await groups.execute()) {
    // A prompt with a day has been opened, and says at which window.
    const [day, window] = [formatDay(group.day!), group.window!]
    const key = `${day} ${window}`
    const row = rows.get(key) ?? emptyRow(day, window)
    rows.set(key, row)
    add(row, group)
  }
  return { timeZone: 'Asia/Shanghai', from: formatDay(query.from), to: formatDay(query.to), counts: [...rows.values()] }
}

function emptyRow(day: string, window: string): Row {
  return {
    day,
    window,
    prompts: 0,
    rated: 0,
    declined: 0,
    'timed-out': 0,
    cancelled: 0,
    'pad-unavailable': 0,
    open: 0,
    dayUncertain: 0,
    cancels: [],
  }
}

function add(row: Row, group: Pick<Tables['prompts'], 'outcome' | 'reason' | 'clerk' | 'day_sure'> & { n: number }) {
  const { outcome, reason, clerk, n } = group
  row.prompts += n
  row[outcome ?? 'open'] += n
  if (group.day_sure !== 1) row.dayUncertain += n
  if (outcome !== 'cancelled') return
  const same = row.cancels.find(cancel => cancel.clerk === clerk && cancel.reason === reason)
  if (same) same.prompts += n
  else row.cancels.push({ clerk, reason: reason!, prompts: n })
}
