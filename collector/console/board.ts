import type { BoxView, GapView, PoolView, QuarantineView, ServiceView } from '#collector/schemas.ts'
import type { Grade } from '#protocol/grades.ts'

/** What the page shows, newest first; boxes by name. */
export interface Board {
  services: readonly ServiceView[]
  boxes: readonly BoxView[]
  gaps: readonly GapView[]
  pool: readonly PoolView[]
  quarantine: readonly QuarantineView[]
}

export type BoardEvent =
  | { kind: 'service'; item: ServiceView }
  | { kind: 'box'; item: BoxView }
  | { kind: 'gap'; item: GapView }
  | { kind: 'pool'; item: PoolView }
  | { kind: 'quarantine'; item: QuarantineView }

export const EMPTY_BOARD: Board = { services: [], boxes: [], gaps: [], pool: [], quarantine: [] }

export const serviceKey = (item: { case: string; service: number }) => `${item.service} ${item.case}`
export const pressKey = (item: { box: string; epoch: string; seq: number }) => `${item.box} ${item.epoch} ${item.seq}`

/** One open gap an epoch, whose ends move; what is lost keeps its first number for ever. */
export function gapKey({ box, epoch, from, state }: GapView): string {
  return state === 'open' || state === 'filled' ? `${box} ${epoch} open` : `${box} ${epoch} ${from}`
}

/** The board after one event; an item that is already there keeps its place. */
export function applyEvent(board: Board, event: BoardEvent): Board {
  switch (event.kind) {
    case 'service':
      return { ...board, services: put(board.services, event.item, serviceKey) }
    case 'box': {
      const boxes = put(board.boxes, event.item, ({ box }) => box)
      return { ...board, boxes: boxes.toSorted((a, b) => (a.box < b.box ? -1 : 1)) }
    }
    case 'gap': {
      const { item } = event
      if (item.state !== 'filled') return { ...board, gaps: put(board.gaps, item, gapKey) }
      return { ...board, gaps: board.gaps.filter(gap => gapKey(gap) !== gapKey(item)) }
    }
    case 'pool':
      return { ...board, pool: put(board.pool, event.item, pressKey) }
    case 'quarantine':
      return { ...board, quarantine: put(board.quarantine, event.item, ({ id }) => String(id)) }
  }
}

function put<T>(items: readonly T[], item: T, keyOf: (item: T) => string): T[] {
  const at = items.findIndex(other => keyOf(other) === keyOf(item))
  return at === -1 ? [item, ...items] : items.with(at, item)
}

/** Whether a changed service may have taken a rating out of the pool: nobody tells of what leaves it. */
export function mayEmptyPool(board: Board, changed: ServiceView): boolean {
  const press = changed.rating ? pressKey(changed.rating) : undefined
  return board.pool.some(
    item => pressKey(item) === press || (item.case === changed.case && item.service === changed.service),
  )
}

export const FILTERS = ['all', 'rated', 'bad', 'unrated'] as const
export type Filter = (typeof FILTERS)[number]

/** 差评 as the page counts it; a grade that could not be opened is not known to be bad. */
export function isBadGrade(grade: Grade | null | undefined): boolean {
  return grade === 'dissatisfied' || grade === 'very-dissatisfied'
}

export function matchesFilter(item: ServiceView, filter: Filter): boolean {
  if (filter === 'all') return true
  if (filter === 'bad') return isBadGrade(item.rating?.grade)
  return (item.why === 'rated') === (filter === 'rated')
}

/** When something last happened to a service. */
export function timeOf(item: ServiceView): number {
  return item.rating?.atMs ?? item.servedAtMs ?? item.registeredAtMs
}

export interface Summary {
  services: number
  prompted: number
  rated: number
  bad: number
}

/** Counts what happened since an instant. */
export function summarise(services: readonly ServiceView[], sinceMs: number): Summary {
  const today = services.filter(item => timeOf(item) >= sinceMs)
  return {
    services: today.length,
    prompted: today.filter(({ why }) => why !== 'not-prompted').length,
    rated: today.filter(({ why }) => why === 'rated').length,
    bad: today.filter(({ rating }) => isBadGrade(rating?.grade)).length,
  }
}

/** Midnight of the reader's day. */
export function dayStartMs(nowMs: number): number {
  return new Date(nowMs).setHours(0, 0, 0, 0)
}
