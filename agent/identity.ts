import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Enrolment } from '#protocol/enrolment.ts'
import { fail, ok, type Result } from '#protocol/result.ts'

/** Who this box is and whom it believes, as its enrolment laid down. */
export interface Identity {
  box: string
  brokerUrl: string
  tls: { ca: Buffer; cert: Buffer; key: Buffer }
  boxKey: KeyObject
  receiptKey: KeyObject
  openingKey: KeyObject
}

/** Joins what the enrolment says with the keys and certificates that lie beside it in `folder`. */
export function loadIdentity(folder: string, { box, broker, collector }: Enrolment): Result<Identity> {
  try {
    const [ca, cert, key] = ['ca.crt', 'box.crt', 'box.key'].map(name => readFileSync(join(folder, name)))
    return ok({
      box,
      brokerUrl: broker,
      tls: { ca: ca!, cert: cert!, key: key! },
      boxKey: createPrivateKey(key!),
      receiptKey: createPublicKey(collector.signingKey),
      openingKey: createPublicKey(collector.openingKey),
    })
  } catch (error) {
    // Files that are missing or are no keys: the message names the file, and holds nothing of a key.
    const { code, path, message } = error as NodeJS.ErrnoException
    return fail('identity-not-usable', path ? `${path}: ${code}` : `${folder}: ${message}`)
  }
}
