import { expect, test } from 'vitest'
import type { PanelState } from '#agent/panel/app.ts'
import { createClerkDesk } from './clerk-desk.ts'
import type { PromptOrder } from './panel-api.ts'
import type { WindowState } from './stage.ts'

const quiet: WindowState = {
  window: 'A03',
  pad: { state: 'ready', profile: 'any' },
  session: { state: 'idle' },
  isListening: false,
  today: { prompts: 0, rated: 0, declined: 0, 'timed-out': 0, cancelled: 0, 'pad-unavailable': 0 },
}
const slip = { case: '3301', service: 1 }
const waiting: WindowState = { ...quiet, session: { state: 'waiting', prompt: 'p1', for: slip, closesInMs: 60_000 } }
const rated: WindowState = {
  ...quiet,
  last: { id: 'p1', window: 'A03', state: 'finished', for: slip, outcome: 'rated', openedAtMs: 0, closedAtMs: 0 },
}
const box = (...windows: WindowState[]): PanelState => ({ box: 'b', link: 'online', backlog: 0, windows })

/** A desk on a box of the test's making: what it was asked for, and a way to change its state. */
async function createDesk(state = box(quiet), clerkId = '') {
  const orders: PromptOrder[] = []
  const cancels: unknown[] = []
  const timers: (() => void)[] = []
  let changed = (_state: PanelState) => {}
  let nowMonoMs = 0
  let refusal: string | undefined
  const desk = createClerkDesk({
    api: {
      state: () => Promise.resolve({ ok: true, value: state }),
      prompt(order) {
        orders.push(order)
        return Promise.resolve(refusal ? { ok: false, error: { code: refusal } } : { ok: true, value: { id: 'p1' } })
      },
      cancel(...asked) {
        cancels.push(asked)
        return Promise.resolve({ ok: true, value: undefined })
      },
      pair: code =>
        Promise.resolve(
          code === '123456' ? { ok: true, value: undefined } : { ok: false, error: { code: 'pairing-code-wrong' } },
        ),
    },
    listen(_url, handlers) {
      changed = handlers.changed
      return () => {}
    },
    monoMs: () => nowMonoMs,
    after(_delayMs, then) {
      timers.push(then)
      return () => timers.splice(timers.indexOf(then) >>> 0, 1)
    },
    clerk: { read: () => clerkId, write: () => {} },
  })
  await desk.start()
  const type = (text: string, gapMs: number) => {
    for (const character of text) {
      desk.typed()
      desk.entry.text += character
      nowMonoMs += gapMs
    }
  }
  const refuse = (code: string) => {
    refusal = code
  }
  return {
    desk,
    orders,
    cancels,
    timers,
    type,
    refuse,
    change: (...windows: WindowState[]) => changed(box(...windows)),
  }
}

test('a scanned slip asks for its case and service, says it was scanned, and empties the field', async () => {
  const { desk, orders, type } = await createDesk(box(quiet), '0042')
  type('330106202511240018#2', 5)
  await desk.ask()
  expect(orders).toEqual([
    { window: 'A03', for: { case: '330106202511240018', service: 2 }, clerk: '0042', origin: 'scanner' },
  ])
  expect(desk.entry.text).toBe('')
})

test('a slip scanned after something typed was wiped out is still a scan', async () => {
  const { desk, orders, type } = await createDesk()
  type('33', 300)
  desk.entry.text = ''
  type('330106202511240018', 5)
  await desk.ask()
  expect(orders[0]?.origin).toBe('scanner')
})

test('a typed case is said to be typed, with the chosen service number', async () => {
  const { desk, orders, type } = await createDesk()
  type('3301', 200)
  desk.moveService(1)
  await desk.ask()
  expect(orders).toEqual([{ window: 'A03', for: { case: '3301', service: 2 }, origin: 'panel' }])
  expect(desk.entry.service).toBe(1)
})

test('nothing is asked without a case number, and the page says so', async () => {
  const { desk, orders } = await createDesk()
  await desk.ask()
  expect([orders, desk.fault.value]).toEqual([[], { own: 'empty' }])
})

test('after a refusal case and service stand apart, so that the keys can correct the service', async () => {
  const { desk, orders, type, refuse } = await createDesk()
  refuse('service-already-rated')
  type('3301#2', 5)
  await desk.ask()
  expect([desk.fault.value, desk.entry.text]).toEqual([{ refusal: { code: 'service-already-rated' } }, '3301'])
  desk.moveService(1)
  await desk.ask()
  expect(orders.map(order => order.for?.service)).toEqual([2, 3])
})

test('a prompt without a case number is asked for on purpose only', async () => {
  const { desk, orders } = await createDesk()
  await desk.askWithoutCase()
  expect(orders).toEqual([{ window: 'A03', withoutCase: true, origin: 'panel' }])
})

test('a slip scanned twice does not replace the prompt that waits for it', async () => {
  const { desk, orders, type } = await createDesk(box(waiting))
  type('3301', 5)
  await desk.ask()
  expect([orders, desk.fault.value]).toEqual([[], { own: 'same' }])
})

test('an outcome is the big state until the next case is begun or its time is over', async () => {
  const { desk, change, timers, type } = await createDesk(box(waiting))
  change(rated)
  expect(desk.stage.value?.kind).toBe('rated')
  timers.at(-1)?.()
  expect(desk.stage.value?.kind).toBe('idle')
  change(waiting)
  change({ ...rated, last: { ...rated.last!, id: 'p2' } })
  expect(desk.stage.value?.kind).toBe('rated')
  type('3', 10)
  expect(desk.stage.value?.kind).toBe('idle')
})

test('only a waiting prompt can be cancelled, and the reasons close when it ends by itself', async () => {
  const { desk, cancels, change } = await createDesk()
  desk.openReasons()
  expect(desk.areReasonsOpen.value).toBe(false)
  change(waiting)
  desk.openReasons()
  expect(desk.areReasonsOpen.value).toBe(true)
  change(rated)
  expect(desk.areReasonsOpen.value).toBe(false)
  await desk.cancel('training')
  expect(cancels).toEqual([])
  change(waiting)
  await desk.cancel('other', ' told by phone ')
  expect(cancels).toEqual([['p1', 'other', 'told by phone']])
})

test('a digit chooses a reason, but a slip scanned while the reasons are open cancels nothing', async () => {
  const { desk, timers } = await createDesk(box(waiting))
  const chosen: string[] = []
  desk.openReasons()
  for (const digit of '33010') desk.keyInReasons(() => chosen.push(digit))
  for (const then of timers.splice(0)) then()
  expect(chosen).toEqual([])
  desk.keyInReasons(() => chosen.push('2'))
  for (const then of timers.splice(0)) then()
  expect(chosen).toEqual(['2'])
})

test('each window has its own state, and the keys go round them', async () => {
  const other = { ...waiting, window: 'A04' }
  const { desk } = await createDesk(box(quiet, other))
  expect(desk.stage.value?.kind).toBe('idle')
  desk.moveWindow(1)
  expect([desk.window.value?.window, desk.stage.value?.kind]).toEqual(['A04', 'waiting'])
  desk.moveWindow(1)
  expect(desk.window.value?.window).toBe('A03')
  desk.moveWindow(-1)
  expect(desk.window.value?.window).toBe('A04')
})

test('a wrong pairing code is told, a right one is not', async () => {
  const { desk } = await createDesk()
  await desk.pair('000000')
  expect(desk.fault.value).toEqual({ refusal: { code: 'pairing-code-wrong' } })
  await desk.pair('123456')
  expect(desk.fault.value).toBeUndefined()
})
