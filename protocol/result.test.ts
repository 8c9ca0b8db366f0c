import { expect, test } from 'vitest'
import { fail, ok, unreachable } from './result.ts'

test('a result is its value, nothing, or a code with a sentence', () => {
  expect(ok(7)).toEqual({ ok: true, value: 7 })
  expect(ok()).toEqual({ ok: true, value: undefined })
  expect(fail('too-big', 'found 9, at most 8')).toEqual({
    ok: false,
    error: { code: 'too-big', detail: 'found 9, at most 8' },
  })
})

test('a branch that cannot be taken throws when it is', () => {
  expect(() => unreachable('new-state' as never)).toThrow('unreachable: "new-state"')
})
