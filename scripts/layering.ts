import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, join } from 'node:path'
import { sourceFiles } from './source-files.ts'

const root = join(import.meta.dirname, '..')

/**
 * Holds sources against .dependency-cruiser.cjs: who may import whom. `files` is path to content.
 *
 * dependency-cruiser reads TypeScript through the compiler's API, which TypeScript 7 no longer has; so it
 * is given the sources as Node runs them, with their types blanked out, in the folder `mirror` (which must
 * lie where `node_modules` can be found). A type import stays an import: a layer crossed for a type is crossed.
 */
export function checkLayering(files: ReadonlyMap<string, string>, mirror: string) {
  rmSync(mirror, { recursive: true, force: true })
  for (const [file, text] of files) {
    const path = join(mirror, `${file}.js`)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, withoutTypes(text, file))
  }
  writeFileSync(join(mirror, 'package.json'), readFileSync(join(root, 'package.json')))
  const args = ['--config', join(root, '.dependency-cruiser.cjs'), '--output-type', 'err-long', '.']
  const run = spawnSync(join(root, 'node_modules/.bin/depcruise'), args, { cwd: mirror, encoding: 'utf8' })
  const output = `${run.stdout}${run.stderr}`.replace(/\.(ts|vue)\.js\b/g, '.$1')
  return { isClean: run.status === 0, output }
}

function withoutTypes(text: string, file: string): string {
  const script = file.endsWith('.vue') ? (/<script[^>]*>(.*?)<\/script>/s.exec(text)?.[1] ?? '') : text
  return stripTypeScriptTypes(script.replace(/^(import|export) type (?=(\{[^}]*\}|\*( as \w+)?|\w+) from )/gm, '$1 '))
}

if (import.meta.main) {
  const files = sourceFiles('.', /\.(ts|vue)$/).map(file => [file, readFileSync(file, 'utf8')] as const)
  const { isClean, output } = checkLayering(new Map(files), join(root, 'dist/layering'))
  process.stdout.write(output)
  process.exitCode = isClean ? 0 : 1
}
