import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { toHex } from '#protocol/codec.ts'
import { type Enrolment, EnrolmentSchema } from '#protocol/enrolment.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { openingKeyId } from '#protocol/sealing.ts'
import { writeFileAtomic } from '#runtime/atomic-file.ts'
import { loadYaml } from '#runtime/configuration.ts'

/** Private halves, one `<id>.key` each, the retired ones too: what was sealed to them must open for years. */
const KEYS = 'opening'
/** The public half that boxes are to seal to. Enrolling a box needs this file and no private key. */
const PUBLIC = 'opening.pub'

/** The public key (PEM) that boxes seal to, in the collector's folder; a first one is made if there is none. */
export function ensureOpeningKey(collector: string): string {
  const path = join(collector, PUBLIC)
  if (existsSync(path)) return readFileSync(path, 'utf8')
  const kept = newestKey(join(collector, KEYS))
  if (!kept) return makeOpeningKey(collector).pem
  const pem = createPublicKey(createPrivateKey(kept)).export({ format: 'pem', type: 'spki' }) as string
  writeFileAtomic(path, pem)
  return pem
}

/** What was done: ids of keys, names of boxes. */
export interface Rotation {
  key: string
  /** Keys that are kept to open what was sealed to them. */
  retired: string[]
  /** Boxes that seal to the new key from their next start on. */
  boxes: string[]
}

/**
 * Makes a new opening key for the identities in `dir` and tells every box of it. The collector has the new key
 * before any box can seal to it; cut short, it is completed by `createDevelopmentIdentities` or by another rotation.
 */
export function rotateOpeningKey(dir: string): Result<Rotation> {
  const collector = join(dir, 'collector')
  const folder = join(collector, KEYS)
  if (!existsSync(folder)) return fail('no-identities', `${dir} holds no identities: ${folder} is not there`)
  const boxes = readEnrolments(join(dir, 'boxes'))
  if (!boxes.ok) return boxes
  const retired = keyNames(folder).map(name => name.slice(0, -'.key'.length))
  const { pem, id } = makeOpeningKey(collector)
  for (const { file, enrolment } of boxes.value) {
    writeFileAtomic(
      file,
      stringify({ ...enrolment, collector: { ...enrolment.collector, openingKey: pem } } satisfies Enrolment),
    )
  }
  return ok({ key: id, retired, boxes: boxes.value.map(({ enrolment }) => enrolment.box) })
}

/** All are read before one is written. */
function readEnrolments(folder: string): Result<{ file: string; enrolment: Enrolment }[]> {
  const read: { file: string; enrolment: Enrolment }[] = []
  for (const name of existsSync(folder) ? readdirSync(folder).sort() : []) {
    const file = join(folder, name, 'enrolment.yaml')
    if (!existsSync(file)) continue
    const enrolment = loadYaml(file, EnrolmentSchema)
    if (!enrolment.ok) return enrolment
    read.push({ file, enrolment: enrolment.value })
  }
  return ok(read)
}

function makeOpeningKey(collector: string): { pem: string; id: string } {
  const folder = join(collector, KEYS)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const { privateKey, publicKey } = generateKeyPairSync('x25519')
  const id = toHex(openingKeyId(publicKey))
  writeFileAtomic(join(folder, `${id}.key`), privateKey.export({ format: 'pem', type: 'pkcs8' }) as string, 0o600)
  const pem = publicKey.export({ format: 'pem', type: 'spki' }) as string
  writeFileAtomic(join(collector, PUBLIC), pem)
  return { pem, id }
}

/** Of identities made before there was a public file beside the keys. */
function newestKey(folder: string): string | undefined {
  const [newest] = keyNames(folder)
    .map(name => join(folder, name))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
  return newest && readFileSync(newest, 'utf8')
}

function keyNames(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter(name => name.endsWith('.key'))
    .sort()
}
