import { bytesOf, formatBytes } from '#agent/pad/bytes.ts'
import type { FoundFrame } from './find-frames.ts'
import type { FoundKey, FoundLayout } from './findings.ts'

const LINE = /^([\t\x20-\x7e]+)([\r\n]+)$/
/** Longer than what was heard: a greeting may come. */
const LINE_BYTES_SPARE = 40

/** Lines of text with one number in them that tells the keys apart; null where the frames are no such lines. */
export function findLine(pressed: readonly FoundFrame[], others: readonly FoundFrame[]): FoundLayout | null {
  const lines = pressed.map(frame => ({ frame, parts: LINE.exec(textOf(frame)) }))
  const end = lines[0]?.parts?.[2]
  if (end === undefined || !lines.every(({ parts }) => parts?.[2] === end)) return null
  const texts = lines.map(({ frame, parts }) => ({ key: frame.key, text: parts![1]! }))
  const hole = findHole(texts)
  if (!hole) return null
  const longest = Math.max(...texts.map(({ text }) => text.length))
  const released = findReleased(hole, others)
  const delimiter = formatBytes(Buffer.from(end, 'latin1'))
  return {
    frame: {
      kind: 'line',
      direction: 'from-pad',
      ...(end === '\r\n' ? { end: '0A', strip: '0D' } : { end: delimiter }),
      lineBytesMax: longest + LINE_BYTES_SPARE,
    },
    events: [
      { name: 'key', event: { gives: 'key', line: patternOf(hole) }, keys: hole.keys },
      ...(released ? [{ name: 'released', event: { gives: 'released' as const, line: released }, keys: [] }] : []),
    ],
    facts: [
      { zh: `每次按键发一行文本：${patternOf(hole)}`, en: `a press is a line of text: ${patternOf(hole)}` },
      { zh: `行尾 ${delimiter}`, en: `the line ends with ${delimiter}` },
    ],
    doubts: [],
    address: null,
    proofBytes: hole.before.length + hole.after.length + end.length,
  }
}

const textOf = ({ bytes }: FoundFrame) => Buffer.from(bytes).toString('latin1')
const patternOf = ({ before, kind, after }: Hole) => `${before}{${kind}}${after}`

interface Hole {
  before: string
  after: string
  kind: 'decimal' | 'hex'
  keys: FoundKey[]
}

/** The part that differs, widened to the whole number it belongs to. */
function findHole(texts: readonly { key: number; text: string }[]): Hole | null {
  const all = texts.map(({ text }) => text)
  const shortest = Math.min(...all.map(({ length }) => length))
  let front = 0
  while (front < shortest && all.every(text => text[front] === all[0]![front])) front++
  let back = 0
  while (back < shortest - front && all.every(text => text.at(-1 - back) === all[0]!.at(-1 - back))) back++
  const insideOf = (text: string) => text.slice(front, text.length - back)
  const isHex = !all.every(text => /^[0-9]*$/.test(insideOf(text)))
  const isDigit = (character: string) => (isHex ? /[0-9A-F]/ : /[0-9]/).test(character)
  if (!isHex) {
    while (front > 0 && isDigit(all[0]![front - 1]!)) front--
    while (back > 0 && isDigit(all[0]!.at(-back)!)) back--
  }
  const [before, after] = [all[0]!.slice(0, front), all[0]!.slice(all[0]!.length - back)]
  // A profile writes holes in braces, so a brace cannot be literal.
  if (/[{}]/.test(before + after)) return null
  const byKey = new Map<number, number>()
  for (const { key, text } of texts) {
    const inside = insideOf(text)
    if (!(isHex ? /^[0-9A-F]{1,6}$/ : /^[0-9]{1,9}$/).test(inside)) return null
    const value = Number.parseInt(inside, isHex ? 16 : 10)
    // The profile writes a number as it is spoken; one with zeros before it would not come back.
    if (value.toString(isHex ? 16 : 10).toUpperCase() !== inside) return null
    if ((byKey.get(key) ?? value) !== value) return null
    byKey.set(key, value)
  }
  if (new Set(byKey.values()).size !== byKey.size) return null
  const keys = [...byKey].sort(([a], [b]) => a - b).map(([key, value]) => ({ key, raw: rawOf(value) }))
  return { before, after, kind: isHex ? 'hex' : 'decimal', keys }
}

function rawOf(value: number): string {
  const size = Math.max(1, Math.ceil(Math.log2(value + 1) / 8))
  return formatBytes(bytesOf(value, size))
}

/** Lines that differ from a press only around the number: a key let go. */
function findReleased({ keys, kind, ...press }: Hole, others: readonly FoundFrame[]): string | null {
  const texts = others.flatMap(frame => {
    const text = LINE.exec(textOf(frame))?.[1]
    return text === undefined || frame.key >= keys.length ? [] : [{ key: frame.key, text }]
  })
  if (new Set(texts.map(({ key }) => key)).size < keys.length) return null
  const hole = findHole(texts)
  if (!hole || hole.kind !== kind || hole.keys.some(({ raw }, i) => raw !== keys[i]!.raw)) return null
  const isPrefix = hole.before.startsWith(press.before) || press.before.startsWith(hole.before)
  const isSuffix = hole.after.endsWith(press.after) || press.after.endsWith(hole.after)
  return isPrefix && isSuffix ? null : patternOf(hole)
}
