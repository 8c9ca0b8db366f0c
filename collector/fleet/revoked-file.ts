import { statSync, watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import Type from 'typebox'
import { stringify } from 'yaml'
import { BoxIdSchema, CertificateSerialSchema, NoteSchema } from '#protocol/names.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { writeFileAtomic } from '#runtime/atomic-file.ts'
import { loadYaml } from '#runtime/configuration.ts'
import type { Revoked } from './revocations.ts'

const strict = { additionalProperties: false } as const

export const REVOKED_FILE = 'revoked.yaml'

/** `revoked.yaml` in the collector's identity folder: by it whoever runs the server takes a box out of service. */
export const RevokedFileSchema = Type.Object(
  {
    revoked: Type.Array(
      Type.Object(
        {
          box: BoxIdSchema,
          serial: CertificateSerialSchema,
          at: Type.String({ title: '吊销时间 When', format: 'date-time', maxLength: 40 }),
          reason: NoteSchema,
          key: Type.Optional(
            Type.String({ title: '公钥 SubjectPublicKeyInfo, base64', pattern: '^[A-Za-z0-9+/]{80,300}={0,2}$' }),
          ),
        },
        strict,
      ),
      { default: [] },
    ),
  },
  { ...strict, title: '吊销名单 Revoked boxes' },
)
type RevokedFile = Type.Static<typeof RevokedFileSchema>

/** One line of the file. */
export interface Revocation extends Revoked {
  reason: string
  atMs: number
}

const HEAD = `# 已吊销的盒子证书，由 chuangping collector revoke 写入；删除一项不能恢复使用，恢复须换新密钥和新证书。
# Certificates that are revoked. Removing an item brings no box back: that takes a new key and certificate.
`

/** Reads the file; one that is missing revokes nobody. */
export function readRevoked(file: string): Result<Revocation[]> {
  if (!statSync(file, { throwIfNoEntry: false })) return ok([])
  const read = loadYaml(file, RevokedFileSchema)
  if (!read.ok) return read
  return ok(
    read.value.revoked.map(({ box, serial, at, reason, key }) => ({
      box,
      serial,
      reason,
      atMs: Date.parse(at),
      ...(key ? { key: new Uint8Array(Buffer.from(key, 'base64')) } : {}),
    })),
  )
}

/** Adds a certificate to the file. Refuses one that is on it already: its time and reason stand. */
export function addRevoked(file: string, revocation: Revocation): Result<void> {
  const read = readRevoked(file)
  if (!read.ok) return read
  const { box, serial } = revocation
  if (read.value.some(other => other.box === box && other.serial === serial)) {
    return fail('already-revoked', `certificate ${serial} of ${box} is revoked already`)
  }
  const revoked: RevokedFile['revoked'] = [...read.value, revocation].map(item => ({
    box: item.box,
    serial: item.serial,
    at: new Date(item.atMs).toISOString(),
    reason: item.reason,
    ...(item.key ? { key: Buffer.from(item.key).toString('base64') } : {}),
  }))
  writeFileAtomic(file, HEAD + stringify({ revoked }), 0o600)
  return ok()
}

/** Calls back now and whenever the file changes, with what is on it; a file that cannot be read is told instead. */
export function watchRevoked(deps: {
  file: string
  onRevoked(revocations: readonly Revocation[]): void
  onFault(fault: { code: string; detail: string }): void
}): { stop(): void } {
  function look() {
    const read = readRevoked(deps.file)
    if (read.ok) deps.onRevoked(read.value)
    else deps.onFault(read.error)
  }

  // The folder is watched: the file is replaced, not written into, and may not be there yet.
  const watcher = watch(dirname(deps.file), (_event, name) => {
    if (name === null || name === basename(deps.file)) look()
  })
  look()
  return { stop: () => watcher.close() }
}
