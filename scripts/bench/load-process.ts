import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import { loadProfile, PROFILE_FILE } from '#agent/pad/load-profile.ts'

/**
 * Loads one profile, then another, and prints how long the second took, ms; with `yaml` in front only the library
 * reads them. A process of its own for each: the second load of a file finds everything compiled.
 */
const WORK: Record<string, (folder: string) => void> = {
  load(folder) {
    const loaded = loadProfile(folder)
    if (!loaded.ok) throw new Error(loaded.error.detail)
  },
  yaml(folder) {
    parseDocument(readFileSync(join(folder, PROFILE_FILE), 'utf8')).toJS()
  },
}

const [how, first, second] = process.argv.slice(2)
const work = WORK[how!]!
work(first!)
const startedMs = performance.now()
work(second!)
process.stdout.write(`${performance.now() - startedMs}\n`)
