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

export function signTagged(tag: keyof typeof TAGS, bytes: Uint8Array, privateKey: KeyObject): Uint8Array {
  return new Uint8Array(sign('sha256', tagged(tag, bytes), { key: privateKey, dsaEncoding: 'ieee-p1363' }))
}

export function isSignedBy(
  tag: keyof typeof TAGS,
  bytes: Uint8Array,
  signature: Uint8Array,
  publicKey: KeyObject,
): boolean {
  return verify('sha256', tagged(tag, bytes), { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)
}

function tagged(tag: keyof typeof TAGS, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(TAGS[tag]), bytes])
}
