import type { EntryBody } from '#protocol/entry.ts'

/**
 * Reads what a check needs of an entry without decoding it: the bytes are bound by the hash chain, and were
 * decoded when they were taken. `undefined` wherever they are not as an entry is (docs/protocol.md section 1).
 */

const BODY = text('body')
const KIND = text('kind')
const PROMPT = text('prompt')
const DIGEST_NAMES = ['day', 'hall', 'root', 'batches', 'entries'].map(text)
/** The deepest item of an entry is three maps deep. */
const DEPTH_MAX = 8

/** The kind of the entry in `bytes` from `from` up to `to`. */
export function scanKind(bytes: Buffer, from: number, to: number): string | undefined {
  if (bytes[from] !== 0xa3 || !isAt(BODY, bytes, from + 1)) return undefined
  const at = skip(bytes, from + 1 + BODY.length, to, 0)
  if (at < 0 || !isAt(KIND, bytes, at)) return undefined
  const length = bytes[at + KIND.length]! - 0x60
  const start = at + KIND.length + 1
  if (length <= 0 || length > 23 || start + length > to) return undefined
  return knownKind(bytes, start, length)
}

/** The prompt id in the body of an entry that has one. */
export function scanPrompt(bytes: Buffer): Buffer | undefined {
  const start = 1 + BODY.length
  const head = bytes[start]! - 0xa0
  if (bytes[0] !== 0xa3 || !isAt(BODY, bytes, 1) || head < 0 || head > 23) return undefined
  let at = start + 1
  for (let left = head; left > 0 && at >= 0; left--) {
    if (isAt(PROMPT, bytes, at) && bytes[at + PROMPT.length] === 0x50) {
      const id = at + PROMPT.length + 1
      return bytes.subarray(id, id + 16)
    }
    at = skip(bytes, at, bytes.length, 0)
    if (at >= 0) at = skip(bytes, at, bytes.length, 0)
  }
  return undefined
}

/** The body of a digest's entry: deterministic CBOR has one form for it, so the names stand where they must. */
export function scanDigest(bytes: Buffer, from: number, to: number): EntryBody<'digest'> | undefined {
  if (scanKind(bytes, from, to) !== 'digest') return undefined
  let at = from + 1 + BODY.length
  if (bytes[at++] !== 0xa5) return undefined
  const values: Buffer[] = []
  for (const name of DIGEST_NAMES) {
    if (!isAt(name, bytes, at)) return undefined
    at += name.length
    const end = skip(bytes, at, to, 0)
    if (end < 0) return undefined
    values.push(bytes.subarray(at, end))
    at = end
  }
  const [day, hall, root, batches, entries] = values as [Buffer, Buffer, Buffer, Buffer, Buffer]
  return {
    day: day.toString('latin1', 1),
    hall: hall.toString('latin1', hall[0]! < 0x78 ? 1 : 2),
    root: Buffer.from(root.subarray(2)),
    batches: Buffer.from(batches.subarray(2)),
    entries: entries.length === 1 ? entries[0]! : entries.readUIntBE(1, Math.min(6, entries.length - 1)),
  }
}

/** Kinds met before, by length and first letter: making a text costs more than comparing with one. */
const KINDS: string[] = []

function knownKind(bytes: Buffer, at: number, length: number): string {
  const slot = length * 256 + bytes[at]!
  const known = KINDS[slot]
  if (known !== undefined && isText(known, bytes, at)) return known
  const kind = bytes.toString('latin1', at, at + length)
  KINDS[slot] = kind
  return kind
}

function isText(text: string, bytes: Buffer, at: number): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false
  return true
}

/** Where the item that begins at `at` ends; negative when it does not end before `to`. */
function skip(bytes: Buffer, at: number, to: number, depth: number): number {
  if (at >= to || depth > DEPTH_MAX) return -1
  const head = bytes[at]!
  const major = head >> 5
  const info = head & 31
  let next = at + 1
  let value = info
  if (info >= 24) {
    if (info > 27) return -1
    const size = 1 << (info - 24)
    value = 0
    for (let i = 0; i < size; i++) value = value * 256 + (bytes[next + i] ?? 0)
    next += size
  }
  if (major === 2 || major === 3) next += value
  if (major === 4 || major === 5) {
    for (let left = major === 5 ? 2 * value : value; left > 0; left--) {
      next = skip(bytes, next, to, depth + 1)
      if (next < 0) return -1
    }
  }
  return next <= to ? next : -1
}

function isAt(word: Buffer, bytes: Buffer, at: number): boolean {
  for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word[i]) return false
  return true
}

/** A short text as deterministic CBOR. */
function text(word: string): Buffer {
  return Buffer.concat([Buffer.of(0x60 + word.length), Buffer.from(word)])
}
