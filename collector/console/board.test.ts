import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { BoxView, GapView, PoolView, QuarantineView, ServiceView } from '#collector/schemas.ts'
import { GRADES, isBad } from '#protocol/grades.ts'
import {
  applyEvent,
  type BoardEvent,
  dayStartMs,
  EMPTY_BOARD,
  isBadGrade,
  matchesFilter,
  mayEmptyPool,
  summarise,
} from './board.ts'

const press = {
  grade: 'satisfied',
  provenance: 'pad',
  atMs: 5_000,
  earliestMs: 4_900,
  latestMs: 5_100,
  wallMs: 5_000,
  receivedAtMs: 5_100,
  box: 'hall-a-03',
  epoch: '00'.repeat(16),
  seq: 7,
  hash: '11'.repeat(32),
  corrected: false,
} as const

const service = (changes: Partial<ServiceView> = {}): ServiceView => ({
  case: '3301',
  service: 1,
  item: null,
  window: 'A03',
  clerk: null,
  servedAtMs: null,
  registeredAtMs: 1_000,
  rating: null,
  duplicates: 0,
  why: 'not-prompted',
  ...changes,
})
const pooled = (changes: Partial<PoolView> = {}): PoolView => ({
  ...press,
  prompt: '22'.repeat(16),
  window: 'A03',
  clerk: null,
  why: 'pool',
  ...changes,
})
const box = (name: string): BoxView => ({
  box: name,
  enrolled: true,
  online: true,
  agent: '0.1.0',
  backlog: 0,
  windows: [],
  lastSeenMs: 1,
  committed: null,
  stalledSinceMs: null,
  revoked: null,
  findings: [],
  epochs: [],
})
const batch = (id: number): QuarantineView => ({
  id,
  box: 'b',
  code: 'bad-signature',
  detail: 'd',
  sha256: '00',
  bytes: 1,
  firstAtMs: 1,
  lastAtMs: 1,
  times: 1,
})

test('a service that changes keeps its place, a new one comes first', () => {
  const board = [service({ case: 'a' }), service({ case: 'b' }), service({ case: 'a', why: 'waiting' })].reduce(
    (before, item) => applyEvent(before, { kind: 'service', item }),
    EMPTY_BOARD,
  )
  expect(board.services.map(item => [item.case, item.why])).toEqual([
    ['b', 'not-prompted'],
    ['a', 'waiting'],
  ])
})

test('two services of one case are two', () => {
  const board = [1, 2].reduce(
    (before, n) => applyEvent(before, { kind: 'service', item: service({ service: n }) }),
    EMPTY_BOARD,
  )
  expect(board.services).toHaveLength(2)
})

test('boxes stand by name', () => {
  const board = ['c', 'a', 'b'].reduce(
    (before, name) => applyEvent(before, { kind: 'box', item: box(name) }),
    EMPTY_BOARD,
  )
  expect(board.boxes.map(({ box: name }) => name)).toEqual(['a', 'b', 'c'])
})

test('a gap is shown while it is open, moves with what comes, and goes when it is filled; what is lost stays', () => {
  const gap = (state: GapView['state'], from: number): BoardEvent => ({
    kind: 'gap',
    item: { box: 'box-1', epoch: 'e1', from, to: 9, state, sinceMs: 1, explained: false },
  })
  const shown = (...events: BoardEvent[]) =>
    events.reduce(applyEvent, EMPTY_BOARD).gaps.map(({ state, from }) => [state, from])
  expect(shown(gap('open', 4), gap('open', 6))).toEqual([['open', 6]])
  expect(shown(gap('open', 4), gap('filled', 6))).toEqual([])
  expect(shown(gap('open', 4), gap('filled', 4), gap('given-up', 4), gap('given-up', 4))).toEqual([['given-up', 4]])
})

test('whatever is told again changes nothing', () => {
  const event = fc.oneof(
    fc.record({
      kind: fc.constant('service' as const),
      item: fc.constantFrom('a', 'b', 'c').map(name => service({ case: name })),
    }),
    fc.record({ kind: fc.constant('box' as const), item: fc.constantFrom('x', 'y').map(box) }),
    fc.record({ kind: fc.constant('pool' as const), item: fc.integer({ min: 1, max: 3 }).map(seq => pooled({ seq })) }),
    fc.record({ kind: fc.constant('quarantine' as const), item: fc.integer({ min: 1, max: 3 }).map(batch) }),
  )
  fc.assert(
    fc.property(fc.array(event, { maxLength: 12, size: 'max' }), events => {
      const apply = (list: BoardEvent[]) => list.reduce(applyEvent, EMPTY_BOARD)
      expect(apply([...events, ...events])).toEqual(apply(events))
    }),
  )
})

test('a rating that is tied at last, or whose case is registered, makes the pool be read again', () => {
  const board = applyEvent(EMPTY_BOARD, { kind: 'pool', item: pooled({ case: '3301', service: 2 }) })
  expect(mayEmptyPool(board, service({ service: 2 }))).toBe(true)
  expect(mayEmptyPool(board, service({ case: 'x', rating: press }))).toBe(true)
  expect(mayEmptyPool(board, service())).toBe(false)
  expect(mayEmptyPool(board, service({ case: 'x', rating: { ...press, seq: 8 } }))).toBe(false)
})

test('the summary counts each service once, by when it was rated, and only from the start of the day', () => {
  const services = [
    service({ case: 'a' }),
    service({ case: 'b', why: 'timed-out' }),
    service({ case: 'c', why: 'rated', rating: press }),
    service({ case: 'd', why: 'rated', rating: { ...press, grade: 'very-dissatisfied' } }),
    service({ case: 'e', why: 'rated', rating: { ...press, grade: null } }),
  ]
  expect(summarise(services, 0)).toEqual({ services: 5, prompted: 4, rated: 3, bad: 1 })
  expect(summarise(services, 2_000)).toEqual({ services: 3, prompted: 3, rated: 3, bad: 1 })
  expect(summarise(services, 6_000)).toEqual({ services: 0, prompted: 0, rated: 0, bad: 0 })
})

test('what is bad here is what is bad everywhere', () => {
  for (const grade of GRADES) expect([grade, isBadGrade(grade)]).toEqual([grade, isBad(grade)])
  expect(isBadGrade(null)).toBe(false)
})

test('each filter shows what it says', () => {
  const bad = service({ why: 'rated', rating: { ...press, grade: 'dissatisfied' } })
  const good = service({ why: 'rated', rating: press })
  const none = service({ why: 'declined' })
  const shown = (filter: Parameters<typeof matchesFilter>[1]) =>
    [bad, good, none].map(item => matchesFilter(item, filter))
  expect(shown('all')).toEqual([true, true, true])
  expect(shown('rated')).toEqual([true, true, false])
  expect(shown('bad')).toEqual([true, false, false])
  expect(shown('unrated')).toEqual([false, false, true])
})

test('the day begins at midnight of the reader', () => {
  expect(dayStartMs(new Date(2025, 10, 24, 13, 5).getTime())).toBe(new Date(2025, 10, 24).getTime())
})
