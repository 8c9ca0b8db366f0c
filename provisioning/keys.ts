import { createPrivateKey } from 'node:crypto'

export const P256 = { name: 'ECDSA', namedCurve: 'P-256' }
export const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' }

/** A new P-256 key pair for signatures. */
export function generateKey(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(P256, true, ['sign', 'verify'])
}

/** A private key as PKCS#8 PEM. */
export async function keyToPem(privateKey: CryptoKey): Promise<string> {
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', privateKey))
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' }) as string
}

/** A P-256 private key from PKCS#8 PEM, for signing. */
export function importKey(pem: string): Promise<CryptoKey> {
  const der = createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' })
  return crypto.subtle.importKey('pkcs8', new Uint8Array(der), P256, true, ['sign'])
}
