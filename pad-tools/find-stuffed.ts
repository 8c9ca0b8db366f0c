import { formatBytes } from '#agent/pad/bytes.ts'
import type { FrameFile } from '#agent/pad/frame-schema.ts'
import type { Text } from '#runtime/language.ts'
import { findFixed } from './find-fixed.ts'
import type { FoundFrame } from './find-frames.ts'
import type { FoundLayout } from './findings.ts'

/** A way to keep the bytes that mark a frame out of its data. */
interface Stuffing {
  /** Bytes at both ends that are never escaped. */
  readonly headBytes: number
  readonly tailBytes: number
  readonly marker: number
  readonly xor: number
  /** Bytes that never stand in the data as they are. */
  readonly escaped: ReadonlySet<number>
}

/** Bytes of the marks that are tried at each end: DLE STX is two. */
const MARKS = [
  [1, 1],
  [2, 2],
  [1, 0],
  [2, 1],
  [1, 2],
] as const

/** SLIP (RFC 1055): its two escapes follow no one rule that a profile can say. */
const SLIP = { end: 0xc0, escape: 0xdb, escaped: [0xdc, 0xdd] }
const HDLC = { flag: 0x7e, escape: 0x7d, xor: 0x20 }

/**
 * Frames with escapes in their data, read without them; null where nothing proves that they are escapes. What proves
 * it is a checksum that only fits without them, or a length that is only one length without them under one of the
 * usual rules.
 */
export function findStuffed(pressed: readonly FoundFrame[], others: readonly FoundFrame[]): FoundLayout | null {
  const isOneLength = (frames: readonly FoundFrame[]) => new Set(frames.map(({ bytes }) => bytes.length)).size === 1
  const asHeard = isOneLength(pressed) ? findFixed(pressed, []) : null
  let best: FoundLayout | null = null
  for (const stuffing of candidatesIn(pressed)) {
    const plain = pressed.map(frame => without(frame, stuffing))
    if (!plain.every(frame => frame !== null) || !isOneLength(plain)) continue
    const length = plain[0]!.bytes.length
    const alike = others
      .map(frame => without(frame, stuffing))
      .filter(frame => frame?.bytes.length === length) as FoundFrame[]
    const borders = [stuffing.headBytes, length - stuffing.tailBytes]
    const layout = findFixed(plain, alike, borders) ?? findFixed(plain, [], borders)
    if (layout?.frame.layout?.[0]?.is !== 'constant' || layout.address !== null) continue
    const hasCheck = layout.frame.layout.some(({ is }) => is === 'checksum')
    const isProven = hasCheck ? !asHeard || !hasChecksum(asHeard) : isUsual(stuffing, pressed) && !isOneLength(pressed)
    if (!isProven) continue
    const found = stuffed(layout, stuffing)
    if (!best || found.proofBytes > best.proofBytes) best = found
  }
  return best
}

const hasChecksum = ({ frame }: FoundLayout) => frame.layout?.some(({ is }) => is === 'checksum') ?? false

/** Every rule under which each escape in the data stands for a byte that may not stand there. */
function candidatesIn(frames: readonly FoundFrame[]): Stuffing[] {
  const found: Stuffing[] = []
  for (const [headBytes, tailBytes] of MARKS) {
    const inside = frames.map(({ bytes }) => bytes.subarray(headBytes, bytes.length - tailBytes))
    if (inside.some(({ length }) => length < 1)) continue
    const marks = frames.flatMap(({ bytes }) => [
      bytes[0]!,
      ...(tailBytes > 0 ? [bytes[bytes.length - tailBytes]!] : []),
    ])
    // Marks that differ from frame to frame mark nothing.
    if (new Set(marks).size > 2) continue
    for (const marker of new Set(inside.flatMap(bytes => [...bytes]))) {
      const escaped = new Set([...marks, marker])
      const shown = inside.find(bytes => bytes.includes(marker))!
      const behind = shown[shown.indexOf(marker) + 1]
      if (behind === undefined) continue
      for (const xor of new Set([...escaped].map(byte => byte ^ behind))) {
        const isSlip = marker === SLIP.escape && escaped.has(SLIP.end) && SLIP.escaped.includes(behind)
        if (!isSlip) found.push({ headBytes, tailBytes, marker, xor, escaped })
      }
    }
  }
  return found
}

/** The frame as the pad meant it; null where its bytes break the rule. */
function without(frame: FoundFrame, { headBytes, tailBytes, marker, xor, escaped }: Stuffing): FoundFrame | null {
  const { bytes } = frame
  const end = bytes.length - tailBytes
  const plain = [...bytes.subarray(0, headBytes)]
  for (let at = headBytes; at < end; at++) {
    const isEscape = bytes[at] === marker
    if (isEscape && at + 1 >= end) return null
    const meant = isEscape ? bytes[++at]! ^ xor : bytes[at]!
    if (escaped.has(meant) !== isEscape) return null
    plain.push(meant)
  }
  return { ...frame, bytes: Uint8Array.from([...plain, ...bytes.subarray(end)]) }
}

/** HDLC, and a mark that is doubled in the data. */
function isUsual({ marker, xor, escaped }: Stuffing, [first]: readonly FoundFrame[]): boolean {
  const isHdlc = marker === HDLC.escape && xor === HDLC.xor && escaped.has(HDLC.flag)
  return isHdlc || (marker === first!.bytes[0] && xor === 0)
}

function stuffed(layout: FoundLayout, { marker, xor, escaped }: Stuffing): FoundLayout {
  const rule = {
    escape: formatBytes([marker]),
    set: formatBytes([...escaped].sort((a, b) => a - b)),
    ...(xor > 0 && { xor: formatBytes([xor]) }),
  }
  const frame: FrameFile = { ...layout.frame, stuffing: rule }
  const fact: Text = {
    zh: `字节转义：数据中的 ${rule.set} 前加 ${rule.escape}${rule.xor ? `，并与 ${rule.xor} 异或` : ''}`,
    en: `byte stuffing: ${rule.set} in the data come behind ${rule.escape}${rule.xor ? `, XORed with ${rule.xor}` : ''}`,
  }
  // One more than the same frame as it stands on the line.
  return { ...layout, frame, facts: [...layout.facts, fact], proofBytes: layout.proofBytes + 1 }
}

/** What looks like stuffing and is not proven, or cannot be said, is a doubt: the frames are read as on the line. */
export function stuffingDoubt(pressed: readonly FoundFrame[]): Text | null {
  const has = (mark: number, marker: number, behind: readonly number[]) =>
    pressed.every(({ bytes }) => bytes[0] === mark) &&
    pressed.some(({ bytes }) => bytes.some((byte, i) => i > 0 && byte === marker && behind.includes(bytes[i + 1]!)))
  const isHdlc = has(HDLC.flag, HDLC.escape, [HDLC.flag ^ HDLC.xor, HDLC.escape ^ HDLC.xor])
  if (!isHdlc && !has(SLIP.end, SLIP.escape, SLIP.escaped)) return null
  const name = isHdlc ? 'HDLC' : 'SLIP'
  return {
    zh: `可能使用 ${name} 字节转义；按线上的原样处理，对按过的键是对的，其他内容需要厂家手册`,
    en: `perhaps byte stuffing as in ${name}; read as it stands on the line, which is right for the keys that were pressed; anything else needs the maker's manual`,
  }
}
