import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatBytes } from './bytes.ts'
import { decodeText, encodeCharacters } from './encoding.ts'
import { ENCODINGS, type Encoding } from './encoding-names.ts'
import { encodeParameter, type NumberParameter, type TextParameter } from './parameter.ts'
import { fillTemplate, matchTemplate, parseTemplate } from './template.ts'

const meaning = { zh: '文', en: 'text' }
const number = (more: Partial<NumberParameter>): NumberParameter => ({
  name: 'n',
  meaning,
  default: null,
  as: 'number',
  size: 1,
  isLittle: false,
  min: 0,
  max: 255,
  scale: { value: 1, wire: 1 },
  blank: null,
  ...more,
})
const text = (more: Partial<TextParameter>): TextParameter => ({
  name: 't',
  meaning,
  default: null,
  as: 'text',
  encoding: null,
  bytesMax: 20,
  padWith: null,
  terminator: [],
  escapes: [],
  isEscapingTrails: false,
  isSevenBit: false,
  ...more,
})
const inEncoding = (encoding: Encoding) => ({ encoding, replacement: '?' })
const written = (parameter: NumberParameter | TextParameter, value: number | string, encoding: Encoding = 'gbk') =>
  formatBytes(encodeParameter(parameter, value, {}, inEncoding(encoding)))

describe('numbers are written', () => {
  test.each<[string, Partial<NumberParameter>, number, string]>([
    ['big-endian', { size: 2, max: 65_535 }, 0x1234, '12 34'],
    ['little-endian', { size: 2, max: 65_535, isLittle: true }, 0x1234, '34 12'],
    ['as digits', { as: 'digits', size: 3, max: 999 }, 23, '00 02 03'],
    ['as BCD', { as: 'bcd', size: 2, max: 9999 }, 1234, '12 34'],
    ['as decimal of fixed size', { as: 'decimal', size: 3, max: 999 }, 7, '30 30 37'],
    ['as decimal as long as needed', { as: 'decimal', size: 0, max: 999 }, 42, '34 32'],
    ['as pairs of seven bits', { as: 'seven-bit', size: 2, max: 16_383 }, 300, '2C 02'],
    ['scaled', { max: 2000, scale: { value: 8, wire: 1 } }, 1000, '7D'],
    ['scaled up', { size: 2, max: 600, scale: { value: 1, wire: 100 } }, 10, '03 E8'],
    ['at most their greatest value', { max: 60 }, 300, '3C'],
    ['at least their least value', { min: 5 }, 0, '05'],
  ])('%s', (_how, parameter, value, expected) => {
    expect(written(number(parameter), value)).toBe(expected)
  })

  test('blank where there is none, and nothing else will do', () => {
    const blank = number({ as: 'digits', size: 3, blank: 0x0a })
    expect(formatBytes(encodeParameter(blank, undefined, {}, inEncoding('gbk')))).toBe('0A 0A 0A')
    expect(() => encodeParameter(number({}), undefined, {}, inEncoding('gbk'))).toThrow(/n has no value/)
  })

  test('and read back as they were', () => {
    const kinds = fc.constantFrom<Partial<NumberParameter>>(
      { size: 2, max: 65_535 },
      { size: 3, max: 0xffffff, isLittle: true },
      { as: 'digits', size: 3, max: 999 },
      { as: 'bcd', size: 2, max: 9999 },
      { as: 'decimal', size: 4, max: 9999 },
      { as: 'decimal', size: 0, max: 99_999 },
      { as: 'seven-bit', size: 2, max: 16_383 },
    )
    fc.assert(
      fc.property(kinds, fc.nat(99_999), (kind, value) => {
        const parameters = { n: number(kind) }
        const template = parseTemplate("01 {n} 'x'")
        const inRange = Math.min(value, parameters.n.max)
        const bytes = fillTemplate(template, parameters, { n: value }, inEncoding('gbk'))
        expect(matchTemplate(template, parameters, bytes, inEncoding('gbk'))).toEqual({ n: inRange })
        expect(matchTemplate(template, parameters, [...bytes, 0], inEncoding('gbk'))).toBeNull()
      }),
    )
  })
})

describe('texts', () => {
  test.each<[Encoding, string, string]>([
    ['gb2312', '张三喆', 'D5 C5 C8 FD 3F'],
    ['gbk', '喆堃昞', '86 B4 88 D2 95 5C'],
    ['gb18030', '𠮷', '95 34 B2 35'],
    ['big5', '張', 'B1 69'],
    ['utf-8', '张', 'E5 BC A0'],
    ['utf-16be', '张三', '5F 20 4E 09'],
    ['utf-16le', '张三', '20 5F 09 4E'],
    ['iso-8859-1', 'é张', 'E9 3F'],
    ['ascii', 'aé', '61 3F'],
  ])('in %s: %s', (encoding, words, expected) => {
    expect(written(text({}), words, encoding)).toBe(expected)
  })

  test('in GB2312 have the 7445 characters of the standard beside ASCII', () => {
    let count = 0
    for (let code = 0x80; code < 0xffff; code++) {
      const character = String.fromCharCode(code)
      // Composed forms of what the standard has otherwise are not counted twice.
      if (character.normalize('NFC') !== character) continue
      const [bytes] = encodeCharacters(character, 'gb2312', '')
      if (bytes && bytes.length > 0) count += 1
    }
    expect(count).toBe(7445)
  })

  test('are cut between characters, whatever the encoding, the escapes and the length', () => {
    const words = fc.array(fc.constantFrom('a', '"', '\\', '张', '昞', '𠮷', 'é', '國'), { maxLength: 30, size: 'max' })
    fc.assert(
      fc.property(words, fc.constantFrom(...ENCODINGS), fc.integer({ min: 1, max: 40 }), (list, encoding, bytesMax) => {
        const parameter = text({ bytesMax })
        const bytes = Uint8Array.from(encodeParameter(parameter, list.join(''), {}, inEncoding(encoding)))
        expect(bytes.length).toBeLessThanOrEqual(bytesMax)
        const whole = encodeCharacters(list.join(''), encoding, '?')
        let end = 0
        const borders = [0, ...whole.map(({ length }) => (end += length))]
        expect(borders).toContain(bytes.length)
      }),
    )
  })

  test('are escaped where their profile says, and read back', () => {
    const escapes = Array.from({ length: 256 }, (_, byte) => (byte === 0x5c ? [0x5c, 0x5c] : null))
    expect(written(text({ escapes }), '昞\\')).toBe('95 5C 5C 5C')
    expect(written(text({ escapes, isEscapingTrails: true }), '昞\\')).toBe('95 5C 5C 5C 5C')
    for (const isEscapingTrails of [false, true]) {
      const parameters = { t: text({ escapes, isEscapingTrails }) }
      const bytes = fillTemplate(['t'], parameters, { t: '昞\\' }, inEncoding('gbk'))
      expect(matchTemplate(['t'], parameters, bytes, inEncoding('gbk'))).toEqual({ t: '昞\\' })
    }
  })

  test('are padded and ended', () => {
    expect(written(text({ bytesMax: 6, padWith: [0x20] }), 'ab')).toBe('61 62 20 20 20 20')
    expect(written(text({ bytesMax: 8, padWith: [0x00, 0x20] }), '张三', 'utf-16be')).toBe('5F 20 4E 09 00 20 00 20')
    expect(written(text({ terminator: [0xff, 0xff] }), '张')).toBe('D5 C5 FF FF')
    expect(written(text({ isSevenBit: true }), 'é', 'iso-8859-1')).toBe('69 01')
  })

  test('survive what their encoding can write', () => {
    const words = fc.array(fc.constantFrom(...'请您评价张三A1。，'), { maxLength: 9 }).map(list => list.join(''))
    const encodings = fc.constantFrom<Encoding>('gb2312', 'gbk', 'gb18030', 'utf-8', 'utf-16be', 'utf-16le')
    fc.assert(
      fc.property(words, encodings, (list, encoding) => {
        const bytes = Uint8Array.from(encodeParameter(text({ bytesMax: 99 }), list, {}, inEncoding(encoding)))
        expect(decodeText(bytes, encoding)).toBe(list)
      }),
    )
  })
})
