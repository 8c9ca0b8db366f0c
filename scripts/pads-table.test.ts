import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { allProfileFolders } from '#virtual-pad/profile-folder.ts'
import { withPadsTable } from './pads-table.ts'

const document = readFileSync(join(import.meta.dirname, '..', 'docs', 'pads.md'), 'utf8')

test('the table of pads is the one that the profiles make', () => {
  expect(withPadsTable(document)).toBe(document)
  expect(document.match(/^\| `[a-z0-9-]+` \|/gm)).toHaveLength(allProfileFolders().length)
})

test('what is written by hand stays when the table is made anew', () => {
  const changed = document.replace('# Pads', '# Pads by hand').replace('| `generic-pj06` |', '| `forgotten` |')
  expect(withPadsTable(changed)).toBe(document.replace('# Pads', '# Pads by hand'))
  expect(() => withPadsTable('no markers')).toThrow(/has lost the line/)
})
