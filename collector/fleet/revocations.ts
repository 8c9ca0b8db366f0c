import { createPublicKey, type KeyObject } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Tables } from '#collector/store/tables.ts'
import { toHex } from '#protocol/codec.ts'

/** A certificate that is good for nothing any more, and its key where that is known (SubjectPublicKeyInfo). */
export interface Revoked {
  box: string
  /** Hex, as short as it goes. */
  serial: string
  key?: Uint8Array
}

/** Which certificates and keys of boxes are revoked. It only ever grows: who is to come back needs new ones. */
export interface Revocations {
  add(revoked: Revoked): void
  isCertificateRevoked(box: string, serial: string): boolean
  isKeyRevoked(box: string, key: KeyObject): boolean
  /** Revoked keys a batch of this box may have been signed with. */
  keysOf(box: string): KeyObject[]
  /** Calls back at every addition. */
  onAdded(notify: (box: string) => void): void
}

export function createRevocations(): Revocations {
  const serials = new Set<string>()
  const keys = new Map<string, Map<string, KeyObject>>()
  const watchers: ((box: string) => void)[] = []

  return {
    add({ box, serial, key }) {
      serials.add(`${box} ${serial}`)
      if (key) {
        const ofBox = keys.get(box) ?? new Map<string, KeyObject>()
        keys.set(box, ofBox.set(toHex(key), createPublicKey({ key: Buffer.from(key), format: 'der', type: 'spki' })))
      }
      for (const notify of watchers) notify(box)
    },
    isCertificateRevoked: (box, serial) => serials.has(`${box} ${serial}`),
    isKeyRevoked: (box, key) => [...(keys.get(box)?.values() ?? [])].some(revoked => revoked.equals(key)),
    keysOf: box => [...(keys.get(box)?.values() ?? [])],
    onAdded(notify) {
      watchers.push(notify)
    },
  }
}

/** What the collector's own chain says is revoked, as far as it is projected. */
export async function findRevocations(db: Kysely<Tables>): Promise<Revoked[]> {
  const rows = await db
    .selectFrom('box_keys')
    .select(['box', 'serial', 'key'])
    .where('serial', 'is not', null)
    .execute()
  return rows.map(({ box, serial, key }) => ({ box, serial: serial!, ...(key ? { key } : {}) }))
}

/** A serial number as everything of ours writes it; OpenSSL gives capitals, and may lead with a zero. */
export function plainSerial(serial: string): string {
  return serial.toLowerCase().replace(/^0+(?=.)/, '')
}
