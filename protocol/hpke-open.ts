import { createDecipheriv, decapsulate, type KeyObject } from 'node:crypto'
import { createKeySchedule } from './hpke-keys.ts'

/**
 * Opens what was sealed with the suite of hpke.ts in base mode, as the one message of its context, by OpenSSL
 * alone and in one piece: by the library a collector with a backlog spends a quarter of its time on opening. A test
 * holds the two together.
 */
export interface SealOpener {
  /** Throws when it does not open with this key, for these associated data. */
  open(key: KeyObject, enc: Uint8Array, ciphertext: Uint8Array, associated: Uint8Array): Buffer
}

const TAG_BYTES = 16

export function createSealOpener(info: Uint8Array): SealOpener {
  const schedule = createKeySchedule(info)
  return {
    open(key, enc, ciphertext, associated) {
      const { key: cipherKey, nonce } = schedule(decapsulate(key, enc))
      const cipher = createDecipheriv('aes-256-gcm', cipherKey, nonce, { authTagLength: TAG_BYTES })
      cipher.setAAD(associated)
      cipher.setAuthTag(ciphertext.subarray(-TAG_BYTES))
      const plain = cipher.update(ciphertext.subarray(0, -TAG_BYTES))
      cipher.final()
      return plain
    },
  }
}
