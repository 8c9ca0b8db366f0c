import { type KeyObject, sign, verify } from 'node:crypto'

/**
 * ECDSA over P-256 with SHA-256, 64 bytes r‖s (IEEE P1363). Each use starts with its own tag, so a
 * signature made for one purpose never fits another, nor a TLS handshake by the same key.
 */
const TAGS = {
  head: 'chuangping head v1\n',
  receipt: 'chuangping receipt v1\n',
  prompt: 'chuangping prompt v1\n',
  time: 'chuangping time v1\n',
} as const
export type SignatureTag = keyof typeof TAGS

export function signTagged(tag: SignatureTag, bytes: Uint8Array, privateKey: KeyObject): Uint8Array {
  return pairOf(sign('sha256', tagged(tag, bytes), privateKey))
}

export function isSignedBy(tag: SignatureTag, bytes: Uint8Array, signature: Uint8Array, publicKey: KeyObject): boolean {
  return signature.length === 2 * NUMBER_BYTES && verify('sha256', tagged(tag, bytes), publicKey, sequenceOf(signature))
}

/** The same by another thread: the caller's is free meanwhile for nine tenths of the time that it takes. */
export function isSignedByAside(
  ...[tag, bytes, signature, publicKey]: Parameters<typeof isSignedBy>
): Promise<boolean> {
  if (signature.length !== 2 * NUMBER_BYTES) return Promise.resolve(false)
  return new Promise((resolve, reject) => {
    verify('sha256', tagged(tag, bytes), publicKey, sequenceOf(signature), (error, isGood) => {
      if (error) reject(error)
      else resolve(isGood)
    })
  })
}

function tagged(tag: SignatureTag, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(TAGS[tag]), bytes])
}

/*
 * node:crypto can give r‖s itself, but only to a key in an object of options, and tells that from a key by an error
 * it throws and catches: that costs more than the signature. So its own form is taken, DER, which is a sequence of
 * two integers (RFC 3279 section 2.2.3), each at most 33 bytes here: every length has one byte.
 */

const NUMBER_BYTES = 32

/** r‖s of a signature that OpenSSL made. */
function pairOf(sequence: Uint8Array): Uint8Array {
  const pair = new Uint8Array(2 * NUMBER_BYTES)
  let at = 2
  for (const end of [NUMBER_BYTES, 2 * NUMBER_BYTES]) {
    const [from, to] = [at + 2, at + 2 + sequence[at + 1]!]
    // Without the zero in front that keeps a number positive; with those that a short one lacks.
    const number = sequence.subarray(Math.max(from, to - NUMBER_BYTES), to)
    pair.set(number, end - number.length)
    at = to
  }
  return pair
}

function sequenceOf(pair: Uint8Array): Uint8Array {
  const [r, s] = [integerOf(pair.subarray(0, NUMBER_BYTES)), integerOf(pair.subarray(NUMBER_BYTES))]
  return Buffer.concat([Buffer.of(0x30, r.length + s.length), r, s])
}

/** In as few bytes as keep it positive. */
function integerOf(number: Uint8Array): Uint8Array {
  let from = 0
  while (from < NUMBER_BYTES - 1 && number[from] === 0) from += 1
  const short = number.subarray(from)
  return short[0]! < 0x80
    ? Buffer.concat([Buffer.of(2, short.length), short])
    : Buffer.concat([Buffer.of(2, short.length + 1, 0), short])
}
