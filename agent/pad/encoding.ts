import iconv from 'iconv-lite'
import type { Encoding } from './encoding-names.ts'

/** The bytes of each character of a text; one that the encoding does not have becomes the replacement. */
export function encodeCharacters(text: string, encoding: Encoding, replacement: string): Uint8Array[] {
  return Array.from(
    text.normalize('NFC'),
    character => bytesOf(character, encoding) ?? bytesOf(replacement, encoding) ?? NOTHING,
  )
}

/** What a screen would show for these bytes. */
export function decodeText(bytes: Uint8Array, encoding: Encoding): string {
  return iconv.decode(bytes, encoding === 'gb2312' ? 'gbk' : encoding)
}

const NOTHING = new Uint8Array()

/** Null where the encoding has no such character. */
function bytesOf(character: string, encoding: Encoding): Uint8Array | null {
  const code = character.codePointAt(0)
  if (code === undefined) return null
  switch (encoding) {
    case 'ascii':
      return code < 0x80 ? Uint8Array.of(code) : null
    case 'iso-8859-1':
      return code < 0x100 ? Uint8Array.of(code) : null
    case 'utf-8':
    case 'utf-16be':
    case 'utf-16le':
      // Half of a surrogate pair is no character.
      return code >= 0xd800 && code < 0xe000 ? null : Uint8Array.from(iconv.encode(character, encoding))
    default:
      // Private codes mean something else on every screen.
      if (code >= 0xe000 && code < 0xf900) return null
      return code < 0x80 ? Uint8Array.of(code) : doubleByte(character, encoding)
  }
}

function doubleByte(character: string, encoding: 'gb2312' | 'gbk' | 'gb18030' | 'big5'): Uint8Array | null {
  const bytes = Uint8Array.from(iconv.encode(character, encoding === 'gb2312' ? 'gbk' : encoding))
  // The library writes "?" for what it cannot write.
  if (bytes.length === 1 && bytes[0] === 0x3f) return null
  if (encoding === 'gb2312' && !isGb2312(bytes)) return null
  return bytes
}

/** Codes of GBK inside the square of GB/T 2312-1980 that the older standard leaves empty. */
const GBK_ADDED: readonly (readonly [number, number])[] = [
  [0xa2a1, 0xa2aa],
  [0xa6e0, 0xa6f5],
  [0xa8bb, 0xa8c0],
  [0xa996, 0xa996],
]

function isGb2312([high = 0, low = 0]: Uint8Array): boolean {
  const isInSquare = low >= 0xa1 && low <= 0xfe && ((high >= 0xa1 && high <= 0xa9) || (high >= 0xb0 && high <= 0xf7))
  const code = high * 256 + low
  return isInSquare && !GBK_ADDED.some(([from, to]) => code >= from && code <= to)
}
