import type { KeyObject } from 'node:crypto'
import { isEqual } from '#protocol/codec.ts'
import type { BoxCertificate, Enrolments } from './enrolments.ts'
import type { Revocations } from './revocations.ts'

/** Which boxes are in service: enrolled, and not with a key that is revoked. */
export interface BoxStanding {
  /** The key a box signs with; undefined when it is not enrolled, or its key is revoked. */
  keyOf(box: string): KeyObject | undefined
  revokedKeysOf(box: string): KeyObject[]
  isRevoked(box: string): boolean
  /** Whether a certificate may not be enrolled: it is revoked, or its key is, which somebody else may hold. */
  isForbidden(certificate: BoxCertificate): boolean
}

export function createStanding(enrolments: Pick<Enrolments, 'keyOf'>, revocations: Revocations): BoxStanding {
  function keyOf(box: string) {
    const key = enrolments.keyOf(box)
    return key && !revocations.isKeyRevoked(box, key) ? key : undefined
  }

  return {
    keyOf,
    revokedKeysOf: revocations.keysOf,
    isRevoked: box => keyOf(box) === undefined && revocations.keysOf(box).length > 0,
    isForbidden({ box, key, serial }) {
      if (serial !== undefined && revocations.isCertificateRevoked(box, serial)) return true
      return revocations.keysOf(box).some(revoked => isEqual(revoked.export({ format: 'der', type: 'spki' }), key))
    },
  }
}
