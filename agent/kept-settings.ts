import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { writeFileAtomic } from '#runtime/atomic-file.ts'
import type { AgentSettings, ReadSettings } from './settings.ts'

interface Kept extends ReadSettings {
  /** The program that read them, and what of its environment has a say. */
  reader: string
}

/** Between two starts of a box hardly anybody changes a file: what was read and checked is kept as it is used. */
export interface KeptSettings {
  /** As read at an earlier start; undefined when the program, its environment or any of the files is another since. */
  recall(): AgentSettings | undefined
  /** Where nothing can be written nothing is kept, and the next start reads the files again. */
  keep(read: ReadSettings): void
}

/**
 * `program` names the exact build: another one may read the same files otherwise. The place is systemd's
 * CACHE_DIRECTORY (systemd.exec(5)) where there is one, else the folder of the configuration.
 */
export function createKeptSettings(deps: {
  file: string
  env: NodeJS.ProcessEnv
  prefix: string
  program: string
}): KeptSettings {
  const { env, prefix } = deps
  const file = resolve(deps.file)
  const folder = env['CACHE_DIRECTORY']?.split(':')[0] || dirname(file)
  const place = join(folder, `.${basename(file)}.kept.json`)
  const spoken = Object.entries(env).filter(([name]) => name.startsWith(prefix))
  const reader = JSON.stringify([deps.program, file, spoken.sort()])

  return {
    recall() {
      const kept = readKept(place)
      if (kept?.reader !== reader) return undefined
      return Object.entries(kept.files).every(([path, hash]) => (hashOf(path) ?? '') === hash)
        ? kept.settings
        : undefined
    },
    keep(read) {
      try {
        writeFileAtomic(place, JSON.stringify({ ...read, reader } satisfies Kept), 0o600)
      } catch (error) {
        if (!(error as NodeJS.ErrnoException).code) throw error
      }
    },
  }
}

function readKept(place: string): Kept | undefined {
  try {
    return JSON.parse(readFileSync(place, 'utf8'))
  } catch (error) {
    // Nothing there, or not what this program once wrote whole.
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code) return undefined
    throw error
  }
}

function hashOf(path: string): string | undefined {
  try {
    return createHash('sha256')
      .update(new TextDecoder().decode(readFileSync(path)))
      .digest('hex')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code) return undefined
    throw error
  }
}
