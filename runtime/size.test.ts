import { Compile } from 'typebox/compile'
import { expect, test } from 'vitest'
import { SizeSchema, sizeBytes } from './size.ts'

const schema = Compile(SizeSchema({ title: 'Room' }))

test.each([
  ['0MiB', 0],
  ['512KiB', 524_288],
  ['8MiB', 8_388_608],
  ['2GiB', 2_147_483_648],
])('%s is %i bytes', (text, bytes) => {
  expect(schema.Check(text)).toBe(true)
  expect(sizeBytes(text)).toBe(bytes)
})

test.each(['', '8', '8MB', '8mib', '-1MiB', '1.5GiB', '8 MiB', '8MiB\n', '1234567MiB'])('%j is no size', text => {
  expect(schema.Check(text)).toBe(false)
})
