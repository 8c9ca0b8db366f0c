import { generateKeyPairSync, type KeyObject } from 'node:crypto'

export interface KeyPair {
  publicKey: KeyObject
  privateKey: KeyObject
}

/** A fresh key that signs, as a box or the collector has one. */
export const signingKeys = (): KeyPair => generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** A fresh key that ratings are sealed to. */
export const openingKeys = (): KeyPair => generateKeyPairSync('x25519')
