import { describe, expect, test } from 'vitest'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { createLineQueue, type LineCommand, RANKS } from './line-queue.ts'

function line(gapMs = 0) {
  const clock = createFakeClock()
  const queue = createLineQueue({ clock, gapMs })
  const said: string[] = []
  return {
    clock,
    queue,
    look: () => said.splice(0),
    submit: (name: string, options: Partial<LineCommand> = {}) =>
      queue.submit({
        rank: RANKS.show,
        answer: null,
        write: () => said.push(`> ${name}`),
        onMissed: () => said.push(`${name} missed`),
        onEnd: how => said.push(`${name} ${how}`),
        ...options,
      }),
  }
}
const ANSWERED = { answer: { withinMs: 100, retries: 0 } }

describe('the commands of one line', () => {
  test('that need no answer go out at once and in order', () => {
    const { submit, look } = line()
    submit('a')
    submit('b')
    expect(look()).toEqual(['> a', 'a sent', '> b', 'b sent'])
  })

  test('keep their gap, also from what was written past the queue', () => {
    const { submit, look, clock, queue } = line(20)
    submit('a')
    submit('b')
    clock.advance(19)
    expect(look()).toEqual(['> a', 'a sent'])
    clock.advance(1)
    expect(look()).toEqual(['> b', 'b sent'])
    clock.advance(15)
    queue.wrote()
    submit('c')
    clock.advance(19)
    expect(look()).toEqual([])
    clock.advance(1)
    expect(look()).toEqual(['> c', 'c sent'])
  })

  test('go one at a time: the next waits until the one in flight is answered', () => {
    const { submit, look, clock } = line()
    const a = submit('a', ANSWERED)
    submit('b')
    clock.advance(99)
    expect(look()).toEqual(['> a'])
    a.completed('answered')
    expect(look()).toEqual(['a answered', '> b', 'b sent'])
    clock.advance(1_000)
    expect(look()).toEqual([])
  })

  test('are repeated while no answer comes, and end as missing', () => {
    const { submit, look, clock } = line(150)
    submit('a', { answer: { withinMs: 100, retries: 1 } })
    clock.advance(100)
    expect(look()).toEqual(['> a', 'a missed'])
    clock.advance(50)
    expect(look()).toEqual(['> a'])
    clock.advance(100)
    expect(look()).toEqual(['a missed', 'a missing'])
  })

  test('answered at the repeat are answered', () => {
    const { submit, look, clock } = line()
    const a = submit('a', { answer: { withinMs: 100, retries: 3 } })
    clock.advance(150)
    a.completed('refused')
    clock.advance(1_000)
    expect(look()).toEqual(['> a', 'a missed', '> a', 'a refused'])
  })

  test('go by rank: what a person sees before what only asks', () => {
    const { submit, look } = line()
    const first = submit('first', ANSWERED)
    submit('poll', { rank: RANKS.query })
    submit('setup', { rank: RANKS.start })
    submit('show')
    look()
    first.completed('answered')
    expect(look().filter(one => one.startsWith('>'))).toEqual(['> show', '> setup', '> poll'])
  })

  test('that are taken back are never written; one in flight keeps the line until its answer is due', () => {
    const { submit, look, clock } = line()
    const a = submit('a', { answer: { withinMs: 100, retries: 5 } })
    const b = submit('b')
    submit('c')
    a.cancel()
    b.cancel()
    clock.advance(99)
    expect(look()).toEqual(['> a'])
    clock.advance(1)
    expect(look()).toEqual(['a missed', '> c', 'c sent'])
    a.completed('answered')
    expect(look()).toEqual([])
  })

  test('do not outlive the line', () => {
    const { submit, look, clock, queue } = line(20)
    submit('a', { answer: { withinMs: 100, retries: 5 } })
    submit('b')
    queue.clear()
    clock.advance(10_000)
    expect(look()).toEqual(['> a'])
    submit('c')
    expect(look()).toEqual(['> c', 'c sent'])
  })

  test('may submit the next when they end', () => {
    const { submit, look, clock } = line(20)
    submit('a', { onEnd: () => void submit('b') })
    clock.advance(20)
    expect(look()).toEqual(['> a', '> b', 'b sent'])
  })
})
