import { hash, randomBytes } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import Type from 'typebox'
import { stringify } from 'yaml'
import { fail, ok, type Result } from '#protocol/result.ts'
import { writeFileAtomic } from '#runtime/atomic-file.ts'
import { loadYaml } from '#runtime/configuration.ts'

export const SCOPES = ['services:write', 'prompts:write', 'fleet:write', 'read'] as const
export type Scope = (typeof SCOPES)[number]

/** The file of API keys holds only their hashes: whoever reads it cannot call the API. */
export const KeysFileSchema = Type.Object(
  {
    keys: Type.Array(
      Type.Object(
        {
          name: Type.String({
            title: '业务系统名称 Name of the business system',
            pattern: '^[\\p{L}\\p{N}][\\p{L}\\p{N} ._-]{0,63}$',
          }),
          scopes: Type.Array(Type.Enum([...SCOPES]), { minItems: 1 }),
          sha256: Type.String({ title: 'SHA-256 of the key, hex', pattern: '^[0-9a-f]{64}$', writeOnly: true }),
        },
        { additionalProperties: false },
      ),
      { default: [] },
    ),
  },
  { additionalProperties: false, title: '接口密钥 API keys' },
)
type KeysFile = Type.Static<typeof KeysFileSchema>
export type KeyHolder = KeysFile['keys'][number]

export interface Keyring {
  find(key: string): KeyHolder | undefined
}

/**
 * The keys of a file, read again when it changes: a key added works at once, one removed no longer.
 * A file that became unreadable or wrong leaves the keys as they were and is reported.
 */
export function createKeyring(file: string, onFault: (detail: string) => void): Keyring {
  let stamp: string | undefined
  let holders = new Map<string, KeyHolder>()

  function refresh() {
    const stat = statSync(file, { throwIfNoEntry: false })
    const now = stat ? `${stat.mtimeMs} ${stat.size} ${stat.ino}` : ''
    if (now === stamp) return
    stamp = now
    if (!stat) {
      holders = new Map()
      return
    }
    const read = loadYaml(file, KeysFileSchema)
    if (read.ok) holders = new Map(read.value.keys.map(holder => [holder.sha256, holder]))
    else onFault(read.error.detail)
  }

  return {
    find(key) {
      refresh()
      // Looking up the hash of a 256-bit random key tells an attacker nothing by its timing.
      return holders.get(hash('sha256', key))
    },
  }
}

/** Adds a key to the file and returns it; it is never shown again. */
export function addKey(file: string, name: string, scopes: readonly Scope[]): Result<string> {
  const exists = statSync(file, { throwIfNoEntry: false })
  const read = exists ? loadYaml(file, KeysFileSchema) : ok<KeysFile>({ keys: [] })
  if (!read.ok) return read
  if (read.value.keys.some(holder => holder.name === name)) {
    return fail('key-name-taken', `${file} has a key named ${name}: choose another name, or remove that one first`)
  }
  const key = `cp_${randomBytes(32).toString('base64url')}`
  const keys = [...read.value.keys, { name, scopes: [...scopes], sha256: hash('sha256', key) }]
  writeFileAtomic(file, `${commentsOf(file)}${stringify({ keys })}`, 0o600)
  return ok(key)
}

/** The comment lines at the head of the file, which rewriting it would lose. */
function commentsOf(file: string): string {
  if (!statSync(file, { throwIfNoEntry: false })) {
    return '# 接口密钥，只存摘要。用 chuangping collector key add 添加，删除一项即停用。\n# API keys, only their hashes. Add with: chuangping collector key add. Remove an item to revoke it.\n'
  }
  const lines = readFileSync(file, 'utf8').split('\n')
  const end = lines.findIndex(line => !line.startsWith('#'))
  return lines
    .slice(0, Math.max(0, end))
    .map(line => `${line}\n`)
    .join('')
}
