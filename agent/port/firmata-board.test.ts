import { expect, onTestFinished, test } from 'vitest'
import { compileBoard } from '#agent/pad/board.ts'
import { createFirmataBoard } from './firmata-board.ts'
import { firmataLibraries } from './firmata-libraries.ts'

const board = compileBoard({
  firmware: 'standard-firmata',
  keys: { '2': '01', '3': '02' },
  grades: { '01': 'satisfied', '02': 'dissatisfied' },
  lamps: [4, 9],
  patterns: {},
})

/** A board of ten pins that can do what these modes say, and the bytes it was sent. */
function boardWith(modes: number[]) {
  const sent: string[] = []
  const own = createFirmataBoard(firmataLibraries, {
    board,
    write: bytes => sent.push(Buffer.from(bytes).toString('hex')),
    onError(error) {
      throw error
    },
  })
  onTestFinished(own.close)
  own.read(Uint8Array.of(0xf9, 2, 4))
  own.read(Uint8Array.of(0xf0, 0x79, 2, 4, 0xf7))
  const pin = modes.flatMap(mode => [mode, 1])
  own.read(Uint8Array.of(0xf0, 0x6c, ...new Array(10).fill([...pin, 0x7f]).flat(), 0xf7))
  own.read(Uint8Array.of(0xf0, 0x6a, ...new Array<number>(10).fill(0x7f), 0xf7))
  expect(own.knowsPins()).toBe(true)
  sent.length = 0
  return { own, sent }
}

test('keys are pulled up by their own mode where the firmware has it, before anything is reported', () => {
  const { own, sent } = boardWith([0, 1, 0x0b])
  own.configure()
  expect(sent.slice(0, 2)).toEqual(['f4020b', 'f4030b'])
  expect(sent.at(-1)).toBe('d001')
})

test('an older firmware pulls a key up when it is written to, and no lamp ever takes that away', () => {
  const { own, sent } = boardWith([0, 1])
  own.configure()
  expect(sent).toContain('f40200')
  const isPulledUp = (hex: string) => (Number.parseInt(hex.slice(2, 4), 16) & 0b1100) === 0b1100
  expect(sent.filter(hex => hex.startsWith('90')).at(-1)).toSatisfy(isPulledUp)
  sent.length = 0
  // Both keys are down when a lamp of their port is lit.
  own.read(Uint8Array.of(0x90, 0, 0))
  expect(own.down()).toEqual([1, 2])
  own.show({ lamps: [4], isBuzzing: false, forMs: null })
  expect(sent.filter(hex => hex.startsWith('90'))).toSatisfy((all: string[]) => all.length > 0 && all.every(isPulledUp))
})

test('a board without the pins of its profile is known as such', () => {
  expect(boardWith([]).own.missingPins()).toEqual([2, 3, 4, 9])
})
