import { createPrivateKey, type KeyObject } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { toHex } from '#protocol/codec.ts'
import type { Sealed } from '#protocol/entry.ts'
import type { Result } from '#protocol/result.ts'
import { createOpener, type Opener, type RatingText, sealingContext } from '#protocol/sealing.ts'

/** The only place where a grade becomes readable. Evidence keeps the sealed bytes. */
export interface Opening {
  /** A rating that does not open is answered with why, and kept as such. */
  open(box: string, prompt: Uint8Array, sealed: Sealed): Promise<Result<RatingText>>
}

/** The same keys for what else is sealed to them: parcels. */
export interface OpeningKeys {
  keyOf(id: Uint8Array): Promise<CryptoKey | undefined>
}

/** The fault of a rating that waits for a key; any other never opens. */
export const UNKNOWN_KEY = 'unknown-opening-key'

export async function createOpening(
  privateKeys: readonly KeyObject[],
  options: {
    /** All keys there are now; undefined when they are those of before. Asked when an entry names an unknown one. */
    reread?(): readonly KeyObject[] | undefined
    /** Told after keys were read again: what did not open before may open now. */
    onKeys?(): void
    /** Told once for each key that is missing, by its id. */
    onMissing?(key: string): void
  } = {},
): Promise<Opening & OpeningKeys> {
  let opener = await createOpener(privateKeys)
  let rereading: Promise<void> | undefined
  const missing = new Set<string>()

  async function reread() {
    const keys = options.reread?.()
    if (!keys) return
    opener = await createOpener(keys)
    options.onKeys?.()
  }

  /** Reads the keys again unless that was done since this opener was tried. */
  async function newerThan(tried: Opener) {
    if (opener !== tried) return
    rereading ??= reread().finally(() => {
      rereading = undefined
    })
    await rereading
  }

  return {
    async keyOf(id) {
      const tried = opener
      const key = tried.keyOf(id)
      if (key) return key
      await newerThan(tried)
      return opener.keyOf(id)
    },
    async open(box, prompt, sealed) {
      const context = sealingContext(box, prompt)
      const tried = opener
      const opened = await tried.open(sealed, context)
      if (opened.ok || opened.error.code !== UNKNOWN_KEY) return opened
      await newerThan(tried)
      const again = opener === tried ? opened : await opener.open(sealed, context)
      const key = toHex(sealed.key)
      if (!again.ok && again.error.code === UNKNOWN_KEY && !missing.has(key)) {
        missing.add(key)
        options.onMissing?.(key)
      }
      return again
    },
  }
}

/** The X25519 private keys (PKCS#8 PEM, `*.key`) of a folder: the present one and the retired ones. */
export function readOpeningKeys(folder: string): KeyObject[] {
  return readdirSync(folder)
    .filter(name => name.endsWith('.key'))
    .sort()
    .map(name => createPrivateKey(readFileSync(join(folder, name))))
}
