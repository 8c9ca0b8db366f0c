import { X509Certificate } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Check } from 'typebox/value'
import { DEFAULT_HALL, NoteSchema } from '#protocol/names.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { readBoxCertificate } from './enrolments.ts'
import { addRevoked, REVOKED_FILE, type Revocation } from './revoked-file.ts'

/** Where the parts lie; of a collector's configuration. */
export interface RevocationFolders {
  identity: string
  boxes: string
}

/**
 * Puts a box's certificate on the list of revoked ones. A collector that is running acts on it at once; one
 * that is not, at its start. `certificate` names the file where it is no longer among the enrolled ones.
 */
export function revokeBox(
  folders: RevocationFolders,
  { box, reason, certificate, atMs }: { box: string; reason: string; certificate?: string; atMs: number },
): Result<Revocation> {
  if (!Check(NoteSchema, reason)) {
    return fail('reason-not-valid', 'a reason is 1 to 200 characters on one line, none of them invisible')
  }
  const path = certificate ?? findCertificate(folders.boxes, box)
  if (!path) {
    return fail('certificate-not-found', `${folders.boxes} has no ${box}.crt, nor has a folder of a hall in it`)
  }
  let ca: X509Certificate
  try {
    ca = new X509Certificate(readFileSync(join(folders.identity, 'ca.crt')))
  } catch (error) {
    return fail('identity-not-usable', `${folders.identity}/ca.crt: ${(error as NodeJS.ErrnoException).code}`)
  }
  const read = readBoxCertificate({ path, box, hall: DEFAULT_HALL }, ca)
  if (!read.ok) return fail(read.error.code, `${path}: ${read.error.detail}`)
  const { key, serial } = read.value
  const revocation = { box, serial: serial!, key, reason, atMs }
  const added = addRevoked(join(folders.identity, REVOKED_FILE), revocation)
  return added.ok ? ok(revocation) : added
}

function findCertificate(folder: string, box: string): string | undefined {
  if (!existsSync(folder)) return undefined
  const folders = readdirSync(folder, { withFileTypes: true }).filter(item => item.isDirectory())
  const places = [folder, ...folders.map(({ name }) => join(folder, name))]
  return places.map(place => join(place, `${box}.crt`)).find(path => existsSync(path))
}
