import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createFirmataFilter, kindOfMessage } from './firmata-messages.ts'

function filter() {
  const messages: string[] = []
  const garbage: number[] = []
  const own = createFirmataFilter({
    onMessage: message => messages.push(Buffer.from(message).toString('hex')),
    onGarbage: bytes => garbage.push(...bytes),
  })
  return { ...own, messages, garbage, bytes: (hex: string) => own.push(Buffer.from(hex.replaceAll(' ', ''), 'hex')) }
}

test('whole messages pass, however they are cut', () => {
  const { bytes, messages, garbage } = filter()
  bytes('F9 02')
  bytes('05 F0 79 02 05 F7 90 7C')
  bytes('00')
  expect(messages).toEqual(['f90205', 'f0790205f7', '907c00'])
  expect(garbage).toEqual([])
})

test('the tail of a banner, a cut message and a report that is too short to be read are garbage', () => {
  const { bytes, messages, garbage } = filter()
  bytes('6E 00 F7 F0 79 F7 90 F9 02 05 F0 6C 00 90 7C 00')
  expect(messages).toEqual(['f90205', '907c00'])
  expect(Buffer.from(garbage).toString('hex')).toBe('6e00f7f079f790f06c00')
})

test('a message that never ends is given up', () => {
  const { push, garbage } = filter()
  push(Uint8Array.of(0xf0, ...new Array<number>(10_000).fill(1)))
  expect(garbage.length).toBeGreaterThan(9_000)
})

test('bytes conserve, splitting does not matter, and what passes is a message', () => {
  const good = fc.oneof(
    fc.tuple(fc.nat(127), fc.nat(127)).map(([low, high]) => [0x90, low, high]),
    fc.constant([0xf9, 2, 5]),
    fc.array(fc.nat(127), { maxLength: 30 }).map(name => [0xf0, 0x79, 2, 5, ...name, 0xf7]),
  )
  const noise = fc.array(fc.nat(255), { maxLength: 5 })
  const stream = fc.array(fc.oneof({ weight: 3, arbitrary: good }, { weight: 1, arbitrary: noise }), { maxLength: 12 })
  fc.assert(
    fc.property(stream, fc.nat(), (parts, cut) => {
      const all = parts.flat()
      const [whole, split] = [filter(), filter()]
      whole.push(Uint8Array.from(all))
      const at = all.length === 0 ? 0 : cut % all.length
      split.push(Uint8Array.from(all.slice(0, at)))
      split.push(Uint8Array.from(all.slice(at)))
      expect(split.messages).toEqual(whole.messages)
      whole.reset()
      const passed = whole.messages.reduce((sum, hex) => sum + hex.length / 2, 0)
      expect(passed + whole.garbage.length).toBe(all.length)
      for (const hex of whole.messages) expect(kindOfMessage(Buffer.from(hex, 'hex'))).toBeDefined()
    }),
  )
})
