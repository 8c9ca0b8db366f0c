import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatTrace, parseTrace, type TraceLine } from './trace.ts'

const chunk = fc.record({
  kind: fc.constantFrom('from-pad' as const, 'to-pad' as const),
  waitMs: fc.nat(5000),
  bytes: fc.uint8Array({ maxLength: 12 }),
})
const mark = fc.oneof(
  fc.record({ kind: fc.constant('key' as const), key: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ kind: fc.constant('address' as const), address: fc.nat(255) }),
  fc.constant({ kind: 'idle' as const }),
)

test('a trace reads back as it was written', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(chunk, mark), { maxLength: 20 }), items => {
      let atMs = 0
      const lines = items.map((item): TraceLine => {
        if (!('bytes' in item)) return { kind: 'mark', mark: item }
        atMs += item.waitMs
        return { kind: item.kind, atMs, bytes: item.bytes }
      })
      expect(parseTrace(formatTrace(lines))).toEqual({ ok: true, value: lines })
    }),
  )
})

test('every line that is no trace is named at once', () => {
  const parsed = parseTrace('5 < 01\n# a note\nhello\n4 < 02\n6 < 1\n')
  expect(parsed).toMatchObject({ ok: false, error: { code: 'trace-not-valid' } })
  expect(!parsed.ok && parsed.error.detail.split('\n').map(line => line.split(':')[0])).toEqual([
    'line 3',
    'line 4',
    'line 5',
  ])
})
