import { createPublicKey, type KeyObject } from 'node:crypto'
import type { EntryBody } from '#protocol/entry.ts'
import { DEFAULT_HALL } from '#protocol/reserved.ts'

/** Kinds of the collector's own entries that decide how boxes' entries are to be checked. */
const DECIDING_KINDS = ['enrolment', 'revocation', 'acceptance', 'gap'] as const
export type DecidingKind = (typeof DECIDING_KINDS)[number]

/** How an entry names its kind, to the byte: finds candidates inside SQL, which are then decoded. */
export const DECIDING_MARKS = DECIDING_KINDS.map(kind =>
  Buffer.concat([Buffer.of(0x64), Buffer.from('kind'), Buffer.of(0x60 + kind.length), Buffer.from(kind)]),
)

/** An entry of the collector that decides, and where it stands. It can be given to another thread. */
export type OwnWord = { [K in DecidingKind]: { position: number; kind: K; body: EntryBody<K> } }[DecidingKind]

/** What the collector wrote of its boxes, as it stood at any position. */
export interface OwnWords {
  /** The hall of a box for what is committed at `position`; undefined while it is not enrolled. */
  hallAt(box: string, position: number): string | undefined
  /** Keys whose signature is good there: one, or those a person's decision let pass; none when it is revoked. */
  keysFor(batch: SignedRun): KeyObject[]
  /** The same hall, with the position from which it may be another. */
  hallSpan(box: string, position: number): { hall: string | undefined; hallUntil: number }
  isEnrolledAt(box: string, position: number): boolean
  /** Whether the collector gave up the entries `from` to `to` before it took what hangs on `previous`. */
  isGap(box: string, epoch: string, from: number, to: number, previous: string): boolean
  hasGaps(box: string): boolean
}

/** Entries under one signature. */
export interface SignedRun {
  box: string
  /** latin1, as `previous` and every other hash here. */
  epoch: string
  first_position: number
  first_seq: number
  last_seq: number
}

interface Enrolled {
  position: number
  key: KeyObject
  hall: string
  revokedAt: number
}

interface BoxWords {
  enrolled: Enrolled[]
  accepted: (Pick<EntryBody<'acceptance'>, 'first' | 'last'> & { position: number; epoch: string })[]
}

/** From the deciding entries in position order. */
export function createOwnWords(said: readonly OwnWord[]): OwnWords {
  const boxes = new Map<string, BoxWords>()
  const gaps = new Set<string>()
  const boxesWithGaps = new Set<string>()

  function wordsOf(box: string): BoxWords {
    const words = boxes.get(box) ?? { enrolled: [], accepted: [] }
    boxes.set(box, words)
    return words
  }

  function enrolledAt(box: string, position: number): Enrolled | undefined {
    return boxes.get(box)?.enrolled.findLast(item => item.position < position)
  }

  function add({ position, kind, body }: OwnWord) {
    if (kind === 'enrolment') {
      const { box, key, hall = DEFAULT_HALL } = body
      const read = readKey(key)
      if (read) wordsOf(box).enrolled.push({ position, key: read, hall, revokedAt: Number.POSITIVE_INFINITY })
    } else if (kind === 'revocation') {
      const revoked = body.key && readKey(body.key)
      for (const item of revoked ? wordsOf(body.box).enrolled : []) {
        if (revoked && item.key.equals(revoked)) item.revokedAt = Math.min(item.revokedAt, position)
      }
    } else if (kind === 'acceptance') {
      const { box, epoch, first, last } = body
      wordsOf(box).accepted.push({ position, epoch: latin1(epoch), first, last })
    } else {
      boxesWithGaps.add(body.box)
      gaps.add(gapName(body.box, latin1(body.epoch), body.from, body.to, latin1(body.previous)))
    }
  }

  for (const word of said) add(word)
  return {
    hallAt: (box, position) => enrolledAt(box, position)?.hall,
    hallSpan(box, position) {
      const hallUntil = boxes.get(box)?.enrolled.find(item => item.position >= position)?.position
      return { hall: enrolledAt(box, position)?.hall, hallUntil: hallUntil ?? Number.POSITIVE_INFINITY }
    },
    isEnrolledAt: (box, position) => enrolledAt(box, position) !== undefined,
    keysFor({ box, epoch, first_position: position, first_seq, last_seq }) {
      const words = boxes.get(box)
      const current = enrolledAt(box, position)
      if (!words || !current) return []
      const isAccepted = words.accepted.some(
        item => item.position < position && item.epoch === epoch && item.first <= first_seq && item.last === last_seq,
      )
      const revoked = words.enrolled.filter(item => item.revokedAt < position).map(item => item.key)
      return [...(current.revokedAt < position ? [] : [current.key]), ...(isAccepted ? revoked : [])]
    },
    isGap: (box, epoch, from, to, previous) => gaps.has(gapName(box, epoch, from, to, previous)),
    hasGaps: box => boxesWithGaps.has(box),
  }
}

function readKey(spki: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  } catch {
    // Bytes of the right length that are no key: the library throws one kind of error for every cause.
    return undefined
  }
}

export const latin1 = (bytes: Uint8Array) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')

export const hexOf = (text: string) => Buffer.from(text, 'latin1').toString('hex')

const gapName = (box: string, epoch: string, from: number, to: number, previous: string) =>
  `${box} ${epoch}${previous}${from} ${to}`
