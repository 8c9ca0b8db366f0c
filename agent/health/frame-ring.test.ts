import { expect, test } from 'vitest'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { createFrameRing } from './frame-ring.ts'

const bytes = (hex: string) => Buffer.from(hex, 'hex')

test('what went wrong is kept with its age', () => {
  const clock = createFakeClock()
  const ring = createFrameRing(clock)
  ring.add('bad-checksum', bytes('ff6803'), false)
  clock.advance(1_500)
  expect(ring.lines()).toEqual(['1.5 s ago bad-checksum FF 68 03'])
})

test('while a prompt is open no byte is kept: a damaged frame may show what was chosen', () => {
  const ring = createFrameRing(createFakeClock())
  ring.add('bad-checksum', bytes('ff6803036801110315'), true)
  expect(ring.lines()).toEqual(['0.0 s ago bad-checksum 9 bytes'])
})

test('it stays short, however much noise there is', () => {
  const ring = createFrameRing(createFakeClock())
  for (let i = 0; i < 100; i++) ring.add(`noise ${i}`, new Uint8Array(500), false)
  expect(ring.lines()).toHaveLength(16)
  expect(ring.lines()[0]).toMatch(/noise 84 (00 ){24}…$/)
})
