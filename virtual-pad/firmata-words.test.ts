import { expect, test } from 'vitest'
import { formatBytes, parseBytes } from '#agent/pad/bytes.ts'
import { createFirmataReader, type Direction } from './firmata-words.ts'

function read(direction: Direction, ...chunks: string[]) {
  const reader = createFirmataReader(direction)
  return chunks
    .flatMap(hex => reader.push(Uint8Array.from(parseBytes(hex))))
    .map(({ bytes, meaning }) => `${formatBytes(bytes)}: ${meaning.en}`)
}

test('what the box sends is told message by message, in whatever pieces it comes', () => {
  expect(read('in', 'F9 F0', '79 F7 F4 02', '0B D0 01 91 0F', '00')).toEqual([
    'F9: which protocol version',
    'F0 79 F7: which firmware',
    'F4 02 0B: pin 2: input, pulled up',
    'D0 01: report pins 0–7',
    '91 0F 00: pins 8–15: 8, 9, 10, 11 high',
  ])
})

test('the same first byte is a question to the board and an answer from it', () => {
  expect(read('out', 'F9 02 05 90 7C 01')).toEqual([
    'F9 02 05: protocol version 2.5',
    '90 7C 01: pins 0–7: 2, 3, 4, 5, 6, 7 high',
  ])
})

test('what is no message is told as such, byte for byte, and hides nothing that follows', () => {
  expect(read('in', '03 91 0F F0 79 F9 F7 C0 00')).toEqual([
    '03: not understood',
    '91 0F: not understood',
    'F0 79: not understood',
    'F9: which protocol version',
    'F7: not understood',
    'C0 00: do not report analog input 0',
  ])
  const endless = read('in', `F0${' 01'.repeat(5000)}`)
  expect(endless.length).toBeGreaterThan(1)
})
