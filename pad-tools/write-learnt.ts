import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { GOLDEN_FILE, PROFILE_FILE } from '#agent/pad/load-profile.ts'
import type { Profile } from '#agent/pad/profile.ts'
import { proveProfile } from '#agent/pad/prove-profile.ts'
import { fail, ok, type Result } from '#protocol/result.ts'

export interface WriteFault {
  code: 'folder-exists' | 'folder-not-writable' | 'profile-not-proven' | 'file-not-valid'
  detail: string
}

/**
 * Puts a learnt profile and its golden file into a new folder, whole or not at all: it stands there only once it
 * has passed what `pad lint` asks of every profile. An existing folder is never touched.
 */
export function writeLearnt(
  folder: string,
  { profileText, goldenText }: { profileText: string; goldenText: string },
): Result<Profile, WriteFault> {
  let beside: string | undefined
  try {
    mkdirSync(dirname(folder), { recursive: true })
    beside = mkdtempSync(join(dirname(folder), '.learnt-'))
    const draft = join(beside, basename(folder))
    mkdirSync(draft)
    writeFileSync(join(draft, PROFILE_FILE), profileText)
    writeFileSync(join(draft, GOLDEN_FILE), goldenText)
    const proof = proveProfile(draft)
    if (!proof.ok) return fail('profile-not-proven', proof.error.detail)
    // Fails where a folder with something in it is in the way.
    renameSync(draft, folder)
    return ok(proof.value)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR') {
      return fail('folder-exists', `${folder} is there already; choose another with --out`)
    }
    return fail('folder-not-writable', `${folder} cannot be made: ${code}`)
  } finally {
    if (beside) rmSync(beside, { recursive: true, force: true })
  }
}
