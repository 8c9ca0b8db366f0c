import type { ByteList } from '#agent/pad/bytes.ts'
import type { Text } from '#runtime/language.ts'
import { NOT_UNDERSTOOD } from './shown.ts'

/**
 * Messages of the Firmata protocol 2.5 (github.com/firmata/protocol, protocol.md) in words, for whoever watches the
 * line. The firmware reads them itself.
 */
const START_SYSEX = 0xf0
const END_SYSEX = 0xf7
const VERSION = 0xf9
/** The longest is the answer about the pins of a board, some hundred bytes. */
const MESSAGE_BYTES_MAX = 2048

export type Direction = 'in' | 'out'

export interface FirmataMessage {
  bytes: ByteList
  meaning: Text
}

/** Cuts one direction of a line into messages; what is none comes as bytes that are not understood. */
export function createFirmataReader(direction: Direction): { push(bytes: Uint8Array): FirmataMessage[] } {
  let pending: number[] = []

  /** What this byte ends: what was pending and is no message, and the message that is whole with it. */
  function take(byte: number): FirmataMessage[] {
    const isEnd = byte === END_SYSEX && pending[0] === START_SYSEX
    const broken = pending.length > 0 && byte >= 0x80 && !isEnd ? given() : []
    pending.push(byte)
    const first = pending[0]!
    const isWhole = first === START_SYSEX ? isEnd : pending.length >= lengthOf(first, direction)
    return isWhole || pending.length >= MESSAGE_BYTES_MAX ? [...broken, ...given()] : broken
  }

  function given(): FirmataMessage[] {
    const bytes = pending
    pending = []
    return [{ bytes, meaning: meaningOf(bytes, direction) }]
  }

  return { push: bytes => [...bytes].flatMap(take) }
}

/** Bytes of a message that is no sysex, by its first. */
function lengthOf(first: number, direction: Direction): number {
  // To the board it is a question, and one byte.
  if (first === VERSION) return direction === 'in' ? 1 : 3
  if (first === 0xf4 || first === 0xf5) return 3
  const kind = first & 0xf0
  if (kind === 0x90 || kind === 0xe0) return 3
  return kind === 0xc0 || kind === 0xd0 ? 2 : 1
}

function meaningOf(bytes: ByteList, direction: Direction): Text {
  const [first = 0, second = 0, third = 0] = bytes
  if (first === START_SYSEX) return bytes[bytes.length - 1] === END_SYSEX ? sysex(second, direction) : NOT_UNDERSTOOD
  if (bytes.length !== lengthOf(first, direction)) return NOT_UNDERSTOOD
  if (first === VERSION) {
    return direction === 'in'
      ? { zh: '询问协议版本', en: 'which protocol version' }
      : { zh: `协议版本 ${second}.${third}`, en: `protocol version ${second}.${third}` }
  }
  if (first === 0xf4) return { zh: `引脚 ${second}：${mode(third).zh}`, en: `pin ${second}: ${mode(third).en}` }
  if (first === 0xf5)
    return { zh: `引脚 ${second}：${third ? '高' : '低'}`, en: `pin ${second}: ${third ? 'high' : 'low'}` }
  if (first === 0xff) return { zh: '复位', en: 'reset' }
  const port = first & 0x0f
  if ((first & 0xf0) === 0x90) return levels(port, second | (third << 7))
  if ((first & 0xf0) === 0xd0) return reporting(`引脚 ${pinsOf(port)}`, `pins ${pinsOf(port)}`, second)
  if ((first & 0xf0) === 0xc0) return reporting(`模拟输入 ${port}`, `analog input ${port}`, second)
  if ((first & 0xf0) === 0xe0) return { zh: `模拟输入 ${port} 的值`, en: `value of analog input ${port}` }
  return NOT_UNDERSTOOD
}

const SYSEX: Record<number, { in: Text; out: Text }> = {
  121: {
    in: { zh: '询问固件名称', en: 'which firmware' },
    out: { zh: '固件名称和版本', en: 'name and version of the firmware' },
  },
  107: { in: { zh: '询问引脚能力', en: 'what can the pins do' }, out: { zh: '引脚能力', en: 'what the pins can do' } },
  105: {
    in: { zh: '询问模拟引脚', en: 'which pins are analog' },
    out: { zh: '模拟引脚', en: 'which pins are analog' },
  },
  106: { in: { zh: '模拟引脚', en: 'which pins are analog' }, out: { zh: '模拟引脚', en: 'which pins are analog' } },
  109: { in: { zh: '询问引脚状态', en: 'how is a pin set' }, out: { zh: '引脚状态', en: 'how a pin is set' } },
  110: { in: { zh: '引脚状态', en: 'how a pin is set' }, out: { zh: '引脚状态', en: 'how a pin is set' } },
  113: { in: { zh: '文字', en: 'text' }, out: { zh: '固件的文字', en: 'text of the firmware' } },
  122: { in: { zh: '采样间隔', en: 'sampling interval' }, out: { zh: '采样间隔', en: 'sampling interval' } },
}

function sysex(kind: number, direction: Direction): Text {
  return SYSEX[kind]?.[direction] ?? { zh: `扩展消息 ${kind}`, en: `extended message ${kind}` }
}

const MODES: Record<number, Text> = {
  0: { zh: '输入', en: 'input' },
  1: { zh: '输出', en: 'output' },
  11: { zh: '上拉输入', en: 'input, pulled up' },
}

const mode = (number: number): Text => MODES[number] ?? { zh: `方式 ${number}`, en: `mode ${number}` }

const pinsOf = (port: number) => `${port * 8}–${port * 8 + 7}`

function levels(port: number, bits: number): Text {
  const high = Array.from({ length: 8 }, (_, bit) => port * 8 + bit).filter((_, bit) => bits & (1 << bit))
  return {
    zh: `引脚 ${pinsOf(port)}：${high.length > 0 ? `${high.join('、')} 为高` : '全低'}`,
    en: `pins ${pinsOf(port)}: ${high.length > 0 ? `${high.join(', ')} high` : 'all low'}`,
  }
}

function reporting(zh: string, en: string, isOn: number): Text {
  return isOn ? { zh: `报告${zh}`, en: `report ${en}` } : { zh: `不报告${zh}`, en: `do not report ${en}` }
}
