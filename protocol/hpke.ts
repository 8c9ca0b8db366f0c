import { createPublicKey, hash, type KeyObject } from 'node:crypto'
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core'
import { toHex } from './codec.ts'

/** What everything sealed to an opening key shares: HPKE (RFC 9180) with X25519, HKDF-SHA256 and AES-256-GCM. */
export function createSuite() {
  return new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() })
}

/** The 8 bytes that name an opening key. */
export function openingKeyId(publicKey: KeyObject): Uint8Array {
  return hash('sha256', rawPublicKey(publicKey), 'buffer').subarray(0, 8)
}

export async function importRecipient(publicKey: KeyObject): Promise<CryptoKey> {
  return await createSuite().kem.importKey('raw', toArrayBuffer(rawPublicKey(publicKey)), true)
}

/** Opening keys by the hex of their ids. */
export async function importOpeningKeys(privateKeys: readonly KeyObject[]): Promise<Map<string, CryptoKey>> {
  const keys = new Map<string, CryptoKey>()
  for (const privateKey of privateKeys) {
    const { d } = privateKey.export({ format: 'jwk' })
    if (!d) throw new Error('an opening key must be an X25519 private key')
    const imported = await createSuite().kem.importKey('raw', toArrayBuffer(Buffer.from(d, 'base64url')), false)
    keys.set(toHex(openingKeyId(createPublicKey(privateKey))), imported)
  }
  return keys
}

function rawPublicKey(publicKey: KeyObject): Uint8Array {
  const { x } = publicKey.export({ format: 'jwk' })
  if (publicKey.asymmetricKeyType !== 'x25519' || !x) throw new Error('an opening key must be an X25519 key')
  return Buffer.from(x, 'base64url')
}

export function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
}
