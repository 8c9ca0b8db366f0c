import { expect, test } from 'vitest'
import type { Result } from '#protocol/result.ts'
import { createLiveState } from './live-state.ts'

/** A server whose answers the test decides, and a clock that moves when told. */
function createWorld() {
  const answers: Result<string, { code: string }>[] = []
  const log: string[] = []
  const timers: { delayMs: number; then: () => void }[] = []
  const streams: { opened(): void; changed(state: string): void; failed(): void; isClosed: boolean }[] = []
  const live = createLiveState<string, { code: string }>({
    load: () => Promise.resolve(answers.shift() ?? { ok: true, value: 'current' }),
    listen(handlers) {
      const stream = { ...handlers, isClosed: false }
      streams.push(stream)
      return () => {
        stream.isClosed = true
      }
    },
    after(delayMs, then) {
      const timer = { delayMs, then }
      timers.push(timer)
      return () => timers.splice(timers.indexOf(timer) >>> 0, 1)
    },
    onState: state => log.push(`state ${state}`),
    onLink: link => log.push(link),
    onRefusal: ({ code }) => log.push(`refused ${code}`),
  })
  const settle = () => new Promise(resolve => setImmediate(resolve))
  async function fire() {
    const timer = timers.shift()
    timer?.then()
    await settle()
    return timer?.delayMs
  }
  return { live, answers, log, streams, timers, fire, settle }
}

test('what changed while the stream was opening is fetched', async () => {
  const { live, answers, log, streams, settle } = createWorld()
  answers.push({ ok: true, value: 'old' }, { ok: true, value: 'new' })
  await live.start()
  streams[0]!.opened()
  await settle()
  streams[0]!.changed('newer')
  expect(log).toEqual(['state old', 'live', 'state new', 'state newer'])
})

test('a broken stream is closed and begun again, later each time, until it opens', async () => {
  const { live, answers, log, streams, fire } = createWorld()
  await live.start()
  streams[0]!.failed()
  expect(streams[0]!.isClosed).toBe(true)
  answers.push({ ok: false, error: { code: 'unreachable' } }, { ok: false, error: { code: 'unreachable' } })
  expect([await fire(), await fire(), await fire()]).toEqual([500, 1000, 2000])
  expect(streams).toHaveLength(2)
  expect(log).toEqual(['state current', 'lost', 'lost', 'lost', 'state current'])
})

test('a server that went away without closing the stream is noticed', async () => {
  const { live, answers, log, streams, fire, settle } = createWorld()
  await live.start()
  streams[0]!.opened()
  await settle()
  answers.push({ ok: false, error: { code: 'unreachable' } })
  expect(await fire()).toBe(20_000)
  expect(log.at(-1)).toBe('lost')
  expect(streams[0]!.isClosed).toBe(true)
})

test('a server that wants pairing first is not asked again until told', async () => {
  const { live, answers, log, streams, timers } = createWorld()
  answers.push({ ok: false, error: { code: 'pairing-required' } })
  await live.start()
  expect([log, streams.length, timers.length]).toEqual([['refused pairing-required'], 0, 0])
})

test('a late word of a closed stream changes nothing', async () => {
  const { live, log, streams } = createWorld()
  await live.start()
  live.stop()
  streams[0]!.changed('late')
  streams[0]!.failed()
  expect(log).toEqual(['state current'])
})
