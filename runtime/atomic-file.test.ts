import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { writeFileAtomic } from './atomic-file.ts'

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

test('a file is made, and replaced, with nothing left beside it', () => {
  const folder = temporaryFolder()
  const path = join(folder, 'state')
  writeFileAtomic(path, 'one')
  writeFileAtomic(path, Buffer.from([0, 255, 10]))
  expect([...readFileSync(path)]).toEqual([0, 255, 10])
  writeFileAtomic(path, '窗')
  expect(readFileSync(path, 'utf8')).toBe('窗')
  expect(readdirSync(folder)).toEqual(['state'])
})

test('whoever reads in the middle has the old file whole: it is replaced, not rewritten', () => {
  const path = join(temporaryFolder(), 'state')
  writeFileAtomic(path, 'old')
  const before = statSync(path).ino
  writeFileAtomic(path, 'new')
  expect(statSync(path).ino).not.toBe(before)
})

test('a key has its mode from the first moment, whatever a crash left there', () => {
  const path = join(temporaryFolder(), 'box.key')
  writeFileSync(`${path}.new`, 'left over', { mode: 0o644 })
  writeFileAtomic(path, 'key', 0o600)
  expect(modeOf(path)).toBe('600')
  writeFileAtomic(path, 'public', 0o644)
  expect(modeOf(path)).toBe('644')
})

test('the mode is the one asked for, not what the umask leaves of it', () => {
  const path = join(temporaryFolder(), 'shared')
  writeFileAtomic(path, 'x', 0o666)
  expect(modeOf(path)).toBe('666')
})

test('a link planted beside the file is not followed', () => {
  const folder = temporaryFolder()
  const target = join(folder, 'target')
  writeFileSync(target, 'precious')
  symlinkSync(target, join(folder, 'state.new'))
  writeFileAtomic(join(folder, 'state'), 'new')
  expect(readFileSync(target, 'utf8')).toBe('precious')
  expect(readFileSync(join(folder, 'state'), 'utf8')).toBe('new')
})

test('when it cannot be replaced it throws, the old one stands and nothing is left beside it', () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'state', 'inside'), { recursive: true })
  expect(() => writeFileAtomic(join(folder, 'state'), 'new')).toThrow(/EISDIR|ENOTEMPTY|EEXIST/)
  expect(readdirSync(folder)).toEqual(['state'])
  expect(() => writeFileAtomic(join(folder, 'missing', 'state'), 'new')).toThrow('ENOENT')
})
