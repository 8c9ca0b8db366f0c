import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'

/** RFC 9180 section 7: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. */
const SUITE = Buffer.of(0, 0x20, 0, 1, 0, 2)
const KEY_BYTES = 32
const NONCE_BYTES = 12

/** The key and nonce of a context's one message, from what the two sides share. */
export type KeySchedule = (shared: Uint8Array) => { key: KeyObject; nonce: Buffer }

/**
 * The key schedule of RFC 9180 section 5.1 in base mode, by OpenSSL alone. The library hands each of a dozen steps
 * to Web Crypto and waits for it; what does not depend on the message is worked out once here.
 */
export function createKeySchedule(info: Uint8Array): KeySchedule {
  const context = Buffer.concat([Buffer.of(0), extract('psk_id_hash', new Uint8Array()), extract('info_hash', info)])
  // Key objects, not bytes: node:crypto tells the two apart by an error it throws and catches.
  const secret = createSecretKey(labeled('secret'))
  const keyInfo = Buffer.concat([Buffer.of(0, KEY_BYTES), labeled('key', context)])
  const nonceInfo = Buffer.concat([Buffer.of(0, NONCE_BYTES), labeled('base_nonce', context)])
  return shared => {
    const expand = (label: Buffer, bytes: number) => Buffer.from(hkdfSync('sha256', secret, shared, label, bytes))
    // Sequence number 0 leaves the base nonce as it is.
    return { key: createSecretKey(expand(keyInfo, KEY_BYTES)), nonce: expand(nonceInfo, NONCE_BYTES) }
  }
}

/** LabeledExtract of RFC 9180 section 4 without a salt. To extract is one HMAC (RFC 5869 section 2.2). */
function extract(label: string, bytes: Uint8Array): Buffer {
  return createHmac('sha256', '').update(labeled(label, bytes)).digest()
}

function labeled(label: string, bytes: Uint8Array = new Uint8Array()): Buffer {
  return Buffer.concat([Buffer.from('HPKE-v1HPKE'), SUITE, Buffer.from(label), bytes])
}
