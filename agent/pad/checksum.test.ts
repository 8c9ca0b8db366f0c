import { describe, expect, test } from 'vitest'
import { parseBytes } from './bytes.ts'
import { type CrcParameters, createChecksum } from './checksum.ts'

const CHECK = new TextEncoder().encode('123456789')

describe('a parametric CRC gives the check value that the catalogue lists for "123456789"', () => {
  // reveng.sourceforge.io/crc-catalogue: width, poly, init, refin, refout, xorout, check.
  test.each<[string, CrcParameters['width'], number, number, boolean, boolean, number, number]>([
    ['CRC-8/SMBUS', 8, 0x07, 0x00, false, false, 0x00, 0xf4],
    ['CRC-8/MAXIM-DOW', 8, 0x31, 0x00, true, true, 0x00, 0xa1],
    ['CRC-8/I-432-1', 8, 0x07, 0x00, false, false, 0x55, 0xa1],
    ['CRC-16/MODBUS', 16, 0x8005, 0xffff, true, true, 0x0000, 0x4b37],
    ['CRC-16/ARC', 16, 0x8005, 0x0000, true, true, 0x0000, 0xbb3d],
    ['CRC-16/IBM-3740', 16, 0x1021, 0xffff, false, false, 0x0000, 0x29b1],
    ['CRC-16/XMODEM', 16, 0x1021, 0x0000, false, false, 0x0000, 0x31c3],
    ['CRC-16/KERMIT', 16, 0x1021, 0x0000, true, true, 0x0000, 0x2189],
    ['CRC-16/IBM-SDLC', 16, 0x1021, 0xffff, true, true, 0xffff, 0x906e],
    ['CRC-16/GENIBUS', 16, 0x1021, 0xffff, false, false, 0xffff, 0xd64e],
    ['CRC-16/RIELLO', 16, 0x1021, 0xb2aa, true, true, 0x0000, 0x63d0],
    ['CRC-24/OPENPGP', 24, 0x864cfb, 0xb704ce, false, false, 0x000000, 0x21cf02],
    ['CRC-24/BLE', 24, 0x00065b, 0x555555, true, true, 0x000000, 0xc25a56],
    ['CRC-32/ISO-HDLC', 32, 0x04c11db7, 0xffffffff, true, true, 0xffffffff, 0xcbf43926],
    ['CRC-32/BZIP2', 32, 0x04c11db7, 0xffffffff, false, false, 0xffffffff, 0xfc891918],
    ['CRC-32/XFER', 32, 0x000000af, 0x00000000, false, false, 0x00000000, 0xbd0be338],
  ])('%s', (_name, width, poly, init, reflectIn, reflectOut, xorOut, expected) => {
    const crc = createChecksum('crc', { width, poly, init, reflectIn, reflectOut, xorOut })
    expect(crc.valueOf(CHECK, 0, CHECK.length)).toBe(expected)
    expect(crc.size).toBe(width / 8)
  })

  test('a result reflected other than the input is turned round', () => {
    const straight = createChecksum('crc', {
      width: 16,
      poly: 0x1021,
      init: 0,
      reflectIn: true,
      reflectOut: true,
      xorOut: 0,
    })
    const turned = createChecksum('crc', {
      width: 16,
      poly: 0x1021,
      init: 0,
      reflectIn: true,
      reflectOut: false,
      xorOut: 0,
    })
    const bits = (value: number) => value.toString(2).padStart(16, '0')
    expect(bits(turned.valueOf(CHECK, 0, 9))).toBe([...bits(straight.valueOf(CHECK, 0, 9))].reverse().join(''))
  })
})

test('the simple sums agree with frames that were seen', () => {
  const over = (name: Parameters<typeof createChecksum>[0], hex: string) => {
    const bytes = parseBytes(hex)
    return createChecksum(name).valueOf(bytes, 0, bytes.length)
  }
  expect(over('sum8', '05 11 03')).toBe(0x19)
  expect(over('xor8', 'FD 00 07 01 00 D0 BB D0 BB')).toBe(0xfb)
  expect(over('lrc', '0B 02 00 00 00 0A')).toBe(0xe9)
  expect(over('crc16-modbus', '01 02 01 00')).toBe(0x88a1)
})

test('only the bytes between the bounds count', () => {
  const bytes = parseBytes('FF 05 11 03 FF')
  expect(createChecksum('sum8').valueOf(bytes, 1, 4)).toBe(0x19)
  expect(createChecksum('xor8').valueOf(bytes, 1, 4)).toBe(0x17)
})
