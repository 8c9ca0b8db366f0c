import { createHash, timingSafeEqual } from 'node:crypto'
import type { Clock, RandomBytes } from '#protocol/clock.ts'
import { toHex } from '#protocol/codec.ts'

/** Lets another computer of the hall use the panel: a six-digit code shown on the box, good once and for minutes. */
export interface Pairing {
  /** A new code; the one before it is void. */
  newCode(): { code: string; validMs: number }
  /** The token for a right code, else undefined. Five wrong tries void the code. */
  redeem(code: string): string | undefined
  isPaired(token: string | undefined): boolean
}

const VALID_MS = 5 * 60_000
const TRIES_MAX = 5

/** `load` and `save` keep the hashes of tokens, so that a paired computer stays paired over a restart. */
export function createPairing(deps: {
  clock: Clock
  randomBytes: RandomBytes
  load(): string[]
  save(tokenHashes: string[]): void
}): Pairing {
  const { clock, randomBytes } = deps
  const hashes = new Set(deps.load())
  let open: { code: string; untilMonoMs: number; tries: number } | undefined

  return {
    newCode() {
      const number = Buffer.from(randomBytes(6)).readUIntBE(0, 6) % 1_000_000
      open = { code: String(number).padStart(6, '0'), untilMonoMs: clock.monoMs() + VALID_MS, tries: 0 }
      return { code: open.code, validMs: VALID_MS }
    },
    redeem(code) {
      if (!open || clock.monoMs() > open.untilMonoMs) return undefined
      open.tries += 1
      const isRight = isSameText(code, open.code)
      if (isRight || open.tries >= TRIES_MAX) open = undefined
      if (!isRight) return undefined
      const token = toHex(randomBytes(32))
      hashes.add(hashOf(token))
      deps.save([...hashes])
      return token
    },
    isPaired: token => token !== undefined && hashes.has(hashOf(token)),
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

function isSameText(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(hashOf(a)), Buffer.from(hashOf(b)))
}
