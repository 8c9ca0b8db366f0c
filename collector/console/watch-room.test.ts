import { expect, test } from 'vitest'
import type { ServiceView } from '#collector/schemas.ts'
import type { Result } from '#protocol/result.ts'
import type { ConsoleApi, Refusal } from './console-api.ts'
import { createWatchRoom } from './watch-room.ts'

const service = (name: string, why: ServiceView['why'] = 'not-prompted', registeredAtMs = 0): ServiceView => ({
  case: name,
  service: 1,
  item: null,
  window: null,
  clerk: null,
  servedAtMs: null,
  registeredAtMs,
  rating: null,
  duplicates: 0,
  why,
})
const refused = (code: string): { ok: false; error: Refusal } => ({ ok: false, error: { code } })

/** A collector whose lists and events the test decides, and a clock that moves when told. */
function createWorld() {
  const timers: { delayMs: number; then: () => void }[] = []
  const streams: ReadableStreamDefaultController<Uint8Array>[] = []
  const pages: Result<{ services: ServiceView[]; before: number | null }, Refusal>[] = []
  const befores: (number | undefined)[] = []
  let poolReads = 0
  let eventsRefusal: { ok: false; error: Refusal } | undefined
  let beforeLists = () => Promise.resolve()
  const api: ConsoleApi = {
    async services(_limit, before) {
      befores.push(before)
      await beforeLists()
      return pages.shift() ?? { ok: true, value: { services: [service('a')], before: null } }
    },
    boxes: () => Promise.resolve({ ok: true, value: [] }),
    gaps: () => Promise.resolve({ ok: true, value: [] }),
    pool() {
      poolReads += 1
      return Promise.resolve({ ok: true, value: [] })
    },
    quarantine: () => Promise.resolve({ ok: true, value: [] }),
    events: () =>
      Promise.resolve(
        eventsRefusal ?? {
          ok: true,
          value: new ReadableStream<Uint8Array>({
            start(controller) {
              streams.push(controller)
            },
          }),
        },
      ),
  }
  const room = createWatchRoom({
    api,
    nowMs: () => new Date(2025, 10, 24, 12).getTime(),
    after(delayMs, then) {
      const timer = { delayMs, then }
      timers.push(timer)
      return () => timers.splice(timers.indexOf(timer) >>> 0, 1)
    },
  })
  const settle = async () => {
    for (let n = 0; n < 5; n++) await new Promise(resolve => setImmediate(resolve))
  }
  return {
    room,
    pages,
    befores,
    streams,
    settle,
    timers,
    poolReads: () => poolReads,
    refuse: (code: string | undefined) => {
      eventsRefusal = code ? refused(code) : undefined
    },
    holdLists: (wait: () => Promise<void>) => {
      beforeLists = wait
    },
    async open() {
      void room.start()
      await settle()
    },
    async say(text: string) {
      streams.at(-1)!.enqueue(new TextEncoder().encode(text))
      await settle()
    },
    async fire(delayMs: number) {
      const timer = timers.find(({ delayMs: own }) => own === delayMs)!
      timers.splice(timers.indexOf(timer), 1)
      timer.then()
      await settle()
    },
  }
}
const told = (item: ServiceView) => `event: service\ndata: ${JSON.stringify(item)}\n\n`
const whys = ({ room }: ReturnType<typeof createWorld>) =>
  room.board.value.services.map(({ case: name, why }) => `${name} ${why}`)

test('what is told while the lists are read is not lost', async () => {
  const world = createWorld()
  let goOn = () => {}
  world.holdLists(() => new Promise(resolve => (goOn = resolve)))
  await world.open()
  await world.say(told(service('a', 'waiting')) + told(service('b')))
  goOn()
  await world.settle()
  await world.say(told(service('b', 'declined')))
  expect(whys(world)).toEqual(['b declined', 'a waiting'])
  expect(world.room.link.value).toBe('live')
})

test('a stream that ends is opened again, later each time, and the lists are read anew', async () => {
  const world = createWorld()
  await world.open()
  world.streams[0]!.close()
  await world.settle()
  expect(world.room.link.value).toBe('lost')
  world.refuse('unreachable')
  await world.fire(500)
  world.refuse(undefined)
  world.pages.push({ ok: true, value: { services: [service('z')], before: null } })
  await world.fire(1000)
  expect([world.room.link.value, whys(world)]).toEqual(['live', ['z not-prompted']])
})

test('a stream that breaks is the same as one that ends', async () => {
  const world = createWorld()
  await world.open()
  world.streams[0]!.error(new TypeError('network error'))
  await world.settle()
  expect(world.room.link.value).toBe('lost')
})

test('a collector that falls silent is given up, and comments are signs of life', async () => {
  const world = createWorld()
  await world.open()
  const first = world.timers.find(({ delayMs }) => delayMs === 40_000)
  await world.say(': \n\n')
  const second = world.timers.find(({ delayMs }) => delayMs === 40_000)
  expect(second).not.toBe(first)
  await world.fire(40_000)
  expect(world.room.link.value).toBe('lost')
})

test.each(['key-missing', 'key-unknown', 'scope-missing'])('%s asks for a key and is not tried again', async code => {
  const world = createWorld()
  world.refuse(code)
  await world.open()
  expect([world.room.keyRefusal.value?.code, world.timers.length]).toEqual([code, 0])
  world.refuse(undefined)
  await world.open()
  expect([world.room.keyRefusal.value, world.room.isLoaded.value]).toEqual([undefined, true])
})

test('the whole day is read, page by page, and no further', async () => {
  const world = createWorld()
  const today = new Date(2025, 10, 24, 9).getTime()
  const yesterday = new Date(2025, 10, 23, 9).getTime()
  world.pages.push(
    { ok: true, value: { services: [service('a', 'rated', today)], before: 30 } },
    { ok: true, value: { services: [service('b', 'rated', today), service('c', 'rated', yesterday)], before: 10 } },
  )
  await world.open()
  expect([world.befores, whys(world).length, world.room.isPartial.value]).toEqual([[undefined, 30], 3, false])
})

test('a service that may have left the pool makes the pool be read again, once for many', async () => {
  const world = createWorld()
  await world.open()
  const pooled = { box: 'b', epoch: 'e', seq: 1, case: 'p', service: 1 }
  await world.say(`event: pool\ndata: ${JSON.stringify(pooled)}\n\n`)
  expect(world.room.board.value.pool).toHaveLength(1)
  await world.say(told(service('p', 'rated')) + told(service('p', 'rated')))
  expect(world.timers.filter(({ delayMs }) => delayMs === 300)).toHaveLength(1)
  const before = world.poolReads()
  await world.fire(300)
  expect([world.poolReads() - before, world.room.board.value.pool]).toEqual([1, []])
})
