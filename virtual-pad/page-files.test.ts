import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createPageFiles } from './page-files.ts'

const dir = mkdtempSync(join(tmpdir(), 'page-files-'))
afterAll(() => rmSync(dir, { recursive: true }))
mkdirSync(join(dir, 'page', 'assets'), { recursive: true })
writeFileSync(join(dir, 'page', 'index.html'), '<p>pad</p>')
writeFileSync(join(dir, 'page', 'assets', 'page.js'), '1')
writeFileSync(join(dir, 'secret'), 'key')

test('the built page is served with its types', () => {
  const files = createPageFiles(join(dir, 'page'))
  expect(files.find('/')?.mediaType).toBe('text/html; charset=utf-8')
  expect(files.find('/assets/page.js')?.mediaType).toBe('text/javascript; charset=utf-8')
})

test.each(['/../secret', '/assets/../../secret', '/assets', '/none.js', 'index.html', ''])(
  'nothing else is: %s',
  path => {
    expect(createPageFiles(join(dir, 'page')).find(path)).toBeUndefined()
  },
)

test('a page that was not built is no fault', () => {
  expect(createPageFiles(join(dir, 'not-built')).find('/')).toBeUndefined()
})
