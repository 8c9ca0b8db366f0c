import { createPrivateKey, type KeyObject } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Sealed } from '#protocol/entry.ts'
import type { Result } from '#protocol/result.ts'
import { createOpener, type RatingText, sealingContext } from '#protocol/sealing.ts'

/** The only place where a grade becomes readable. Evidence keeps the sealed bytes. */
export interface Opening {
  /** A rating that does not open is answered with why, and kept as such. */
  open(box: string, prompt: Uint8Array, sealed: Sealed): Promise<Result<RatingText>>
}

export async function createOpening(privateKeys: readonly KeyObject[]): Promise<Opening> {
  const opener = await createOpener(privateKeys)
  return { open: (box, prompt, sealed) => opener.open(sealed, sealingContext(box, prompt)) }
}

/** The X25519 private keys (PKCS#8 PEM, `*.key`) of a folder: the present one and the retired ones. */
export function readOpeningKeys(folder: string): KeyObject[] {
  return readdirSync(folder)
    .filter(name => name.endsWith('.key'))
    .sort()
    .map(name => createPrivateKey(readFileSync(join(folder, name))))
}
