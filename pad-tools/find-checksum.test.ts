import { expect, test } from 'vitest'
import { createChecksum } from '#agent/pad/checksum.ts'
import { ALGORITHMS } from './find-checksum.ts'

/** What each gives for the digits 1 to 9: the check value of the catalogue (reveng.sourceforge.io/crc-catalogue). */
const CHECK_VALUES: Record<string, number> = {
  'CRC-16/MODBUS': 0x4b37,
  'CRC-16/IBM-3740 (CCITT-FALSE)': 0x29b1,
  'CRC-16/XMODEM': 0x31c3,
  'CRC-16/KERMIT': 0x2189,
  'CRC-16/IBM-SDLC (X-25)': 0x906e,
  'CRC-16/ARC': 0xbb3d,
  'CRC-16/UMTS': 0xfee8,
  'CRC-16/USB': 0xb4c8,
  'CRC-16/GENIBUS': 0xd64e,
  'CRC-16/MCRF4XX': 0x6f91,
  'CRC-16/SPI-FUJITSU (AUG-CCITT)': 0xe5cc,
  'CRC-16/DNP': 0xea82,
  'CRC-16/EN-13757': 0xc2b7,
  'CRC-16/MAXIM-DOW': 0x44c2,
  'CRC-8/SMBUS': 0xf4,
  'CRC-8/MAXIM-DOW': 0xa1,
  'CRC-8/NRSC-5': 0xf7,
  'CRC-8/ROHC': 0xd0,
  'CRC-8/SAE-J1850': 0x4b,
  'CRC-8/AUTOSAR': 0xdf,
  'CRC-8/I-432-1': 0xa1,
  'CRC-8/DVB-S2': 0xbc,
  'CRC-32/ISO-HDLC': 0xcbf43926,
  'CRC-32/MPEG-2': 0x0376e6e7,
  'CRC-32/BZIP2': 0xfc891918,
  'CRC-32/JAMCRC': 0x340bc6d9,
}

const crcs = ALGORITHMS.filter(({ title }) => title.startsWith('CRC-'))

test.each(crcs)('$title is the one of that name in the catalogue', ({ title, algorithm, crc }) => {
  const digits = Uint8Array.from('123456789', digit => digit.charCodeAt(0))
  expect(createChecksum(algorithm, crc).valueOf(digits, 0, digits.length)).toBe(CHECK_VALUES[title])
})
