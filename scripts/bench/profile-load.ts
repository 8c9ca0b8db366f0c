import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { parseDocument } from 'yaml'
import { loadProfile, PROFILE_FILE } from '#agent/pad/load-profile.ts'
import { allProfileFolders, profileFolder } from '#virtual-pad/profile-folder.ts'
import type { Measurement, Subject } from './measurement.ts'
import { median } from './statistics.ts'

/**
 * The slowest of the shipped profiles: read, parsed, checked in all its variants, and compiled. Each load in a process
 * whose modules are there and which has loaded one other profile, beside the YAML library that reads the same text.
 */
export const profileLoad: Measurement = {
  name: 'profile-load',
  rows: [
    {
      name: 'profile-load',
      title: {
        zh: '载入最慢的评价器档案（应在 20 ms 内）',
        en: 'loading the slowest pad profile (meant to take 20 ms)',
      },
      against: { zh: 'YAML 库读同一文件', en: 'the YAML library reading the same file' },
      unit: 'ms',
      better: 'lower',
      goal: null,
    },
  ],
  prepare: prepareProfileLoad,
}

/** The one that is loaded before. */
const OTHER = 'generic-pj06'
/** Loads of one round; the middle one counts. */
const LOADS = 3

const run = promisify(execFile)

async function prepareProfileLoad(): Promise<Subject> {
  const slowest = await slowestProfile()
  return {
    ours: async () => [await loadMs('load', slowest)],
    reference: async () => [await loadMs('yaml', slowest)],
    close: () => Promise.resolve(),
  }
}

async function slowestProfile(): Promise<string> {
  let slowest = { folder: '', tookMs: 0 }
  for (const folder of allProfileFolders()) {
    if (basename(folder) === OTHER) continue
    const tookMs = await loadMs('load', folder)
    if (tookMs > slowest.tookMs) slowest = { folder, tookMs }
  }
  return slowest.folder
}

async function loadMs(how: 'load' | 'yaml', folder: string): Promise<number> {
  const tookMs: number[] = []
  for (let i = 0; i < LOADS; i++) {
    const { stdout } = await run(process.execPath, [import.meta.filename, how, profileFolder(OTHER), folder])
    tookMs.push(Number(stdout))
  }
  return median(tookMs)
}

const WORK = {
  load(folder: string) {
    const loaded = loadProfile(folder)
    if (!loaded.ok) throw new Error(loaded.error.detail)
  },
  yaml(folder: string) {
    parseDocument(readFileSync(join(folder, PROFILE_FILE), 'utf8')).toJS()
  },
}

// Run by itself: loads one profile, then another, and prints what the second took. A process of its own for each,
// since whoever loads the same profile again finds everything compiled.
if (import.meta.main) {
  const [how, first, second] = process.argv.slice(2)
  const work = WORK[how as keyof typeof WORK]
  work(first!)
  const startedMs = performance.now()
  work(second!)
  process.stdout.write(`${performance.now() - startedMs}\n`)
}
