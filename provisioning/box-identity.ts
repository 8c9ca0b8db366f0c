import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Compile } from 'typebox/compile'
import { describeErrors } from '#protocol/codec.ts'
import { BoxIdSchema, COLLECTOR_NAME } from '#protocol/names.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { writeFileAtomic } from '#runtime/atomic-file.ts'
import { generateKey, keyToPem } from './keys.ts'
import { createRequest } from './request.ts'

const boxId = Compile(BoxIdSchema)

/**
 * Makes a box's own key in `dir/box.key` unless it is there, and returns a certificate request for it.
 * The key never leaves that folder: only the request goes to the authority.
 */
export async function createBoxIdentity(dir: string, box: string): Promise<Result<{ request: string }>> {
  if (box === COLLECTOR_NAME) return fail('bad-box-id', `no box may be called "${COLLECTOR_NAME}"`)
  if (!boxId.Check(box)) return fail('bad-box-id', `"${box}": ${describeErrors(boxId.Errors(box))}`)
  return ok({ request: await createRequest(box, await ensureSigningKey(dir, 'box.key')) })
}

/** The P-256 private key in `dir/name` (PKCS#8 PEM, readable by its owner only), made if it is not there. */
export async function ensureSigningKey(dir: string, name: string): Promise<string> {
  const path = join(dir, name)
  if (!existsSync(path)) {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    writeFileAtomic(path, await keyToPem((await generateKey()).privateKey), 0o600)
  }
  return readFileSync(path, 'utf8')
}
