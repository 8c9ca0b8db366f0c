import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createPaceMeter, parseCaseEntry, stepService } from './case-entry.ts'

const caseNumber = fc.stringMatching(/^[A-Z0-9][A-Z0-9-]{0,45}[A-Z0-9]$/)

test.each([
  ['330106202511240018', 1, { case: '330106202511240018', service: 1 }],
  ['330106202511240018', 3, { case: '330106202511240018', service: 3 }],
  ['330106202511240018#2', 1, { case: '330106202511240018', service: 2 }],
  ['330106202511240018 2', 1, { case: '330106202511240018', service: 2 }],
  ['  330106202511240018 # 12 ', 1, { case: '330106202511240018', service: 12 }],
  ['３３０１０６－１＃２', 1, { case: '330106-1', service: 2 }],
  ['A-2', 1, { case: 'A-2', service: 1 }],
])('%j with service %i chosen asks for %j', (text, chosen, expected) => {
  expect(parseCaseEntry(text, chosen)).toEqual({ ok: true, value: expected })
})

test.each([
  ['', 'empty'],
  ['   ', 'empty'],
  ['A'.repeat(51), 'too-long'],
  ['A B C', 'white-space'],
  ['A\u0007B', 'white-space'],
  ['A#0', 'service-number'],
] as const)('%j is refused as %s', (text, code) => {
  expect(parseCaseEntry(text, 1)).toEqual({ ok: false, error: { code } })
})

test('a scanned service number always wins over the chosen one', () => {
  fc.assert(
    fc.property(
      caseNumber,
      fc.integer({ min: 1, max: 99 }),
      fc.integer({ min: 1, max: 99 }),
      fc.constantFrom('#', ' ', ' #'),
      (number, scanned, chosen, sign) => {
        expect(parseCaseEntry(`${number}${sign}${scanned}`, chosen)).toEqual({
          ok: true,
          value: { case: number, service: scanned },
        })
      },
    ),
  )
})

test('the service number stays between 1 and 99', () => {
  expect(stepService(1, -1)).toBe(1)
  expect(stepService(99, 1)).toBe(99)
  expect(stepService(1, 1)).toBe(2)
})

test('a scanner is told from a hand by its pace', () => {
  const pace = createPaceMeter()
  const type = (keys: number, gapMs: number) => {
    pace.reset()
    for (let n = 0; n < keys; n++) pace.key(1000 + n * gapMs)
    return pace.origin(1000 + keys * gapMs)
  }
  expect(type(18, 8)).toBe('scanner')
  expect(type(18, 140)).toBe('panel')
  expect(type(3, 8)).toBe('panel')
  // A slow hand that is quick with Enter.
  expect([type(18, 140), pace.origin(1000 + 17 * 140 + 5)]).toEqual(['panel', 'panel'])
  pace.reset()
  for (let n = 0; n < 18; n++) pace.key(n * 8)
  expect(pace.origin(5000)).toBe('panel')
})
