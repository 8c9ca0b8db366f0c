import { createDecipheriv, createHmac, createSecretKey, decapsulate, hkdfSync, type KeyObject } from 'node:crypto'

/**
 * Opens what was sealed with the suite of hpke.ts in base mode, as the one message of its context, by OpenSSL
 * alone and in one piece. The library that seals can open too, but hands each of a dozen steps to Web Crypto and
 * waits for it: a collector with a backlog spends a quarter of its time on that. A test holds the two together.
 */
export interface SealOpener {
  /** Throws when it does not open with this key, for these associated data. */
  open(key: KeyObject, enc: Uint8Array, ciphertext: Uint8Array, associated: Uint8Array): Buffer
}

/** RFC 9180 section 7: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. */
const SUITE = Buffer.of(0, 0x20, 0, 1, 0, 2)
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** The key schedule of RFC 9180 section 5.1; what does not depend on the message is worked out once. */
export function createSealOpener(info: Uint8Array): SealOpener {
  const context = Buffer.concat([Buffer.of(0), extract('psk_id_hash', new Uint8Array()), extract('info_hash', info)])
  // Key objects, not bytes: node:crypto tells the two apart by an error it throws and catches.
  const secret = createSecretKey(labeled('secret'))
  const keyInfo = Buffer.concat([Buffer.of(0, KEY_BYTES), labeled('key', context)])
  const nonceInfo = Buffer.concat([Buffer.of(0, NONCE_BYTES), labeled('base_nonce', context)])
  return {
    open(key, enc, ciphertext, associated) {
      const shared = decapsulate(key, enc)
      const expand = (label: Buffer, bytes: number) => Buffer.from(hkdfSync('sha256', secret, shared, label, bytes))
      // Sequence number 0 leaves the base nonce as it is.
      const cipherKey = createSecretKey(expand(keyInfo, KEY_BYTES))
      const cipher = createDecipheriv('aes-256-gcm', cipherKey, expand(nonceInfo, NONCE_BYTES))
      cipher.setAAD(associated)
      cipher.setAuthTag(ciphertext.subarray(-TAG_BYTES))
      const plain = cipher.update(ciphertext.subarray(0, -TAG_BYTES))
      cipher.final()
      return plain
    },
  }
}

/** LabeledExtract of RFC 9180 section 4 without a salt. To extract is one HMAC (RFC 5869 section 2.2). */
function extract(label: string, bytes: Uint8Array): Buffer {
  return createHmac('sha256', '').update(labeled(label, bytes)).digest()
}

function labeled(label: string, bytes: Uint8Array = new Uint8Array()): Buffer {
  return Buffer.concat([Buffer.from('HPKE-v1HPKE'), SUITE, Buffer.from(label), bytes])
}
