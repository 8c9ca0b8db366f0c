import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { pageAt } from './pages.ts'

function folderOfPages(): string {
  const parent = temporaryFolder()
  const folder = join(parent, 'pages')
  mkdirSync(join(folder, 'assets'), { recursive: true })
  writeFileSync(join(folder, 'index.html'), '<p>页</p>')
  writeFileSync(join(folder, 'assets', 'page.js'), 'let a')
  writeFileSync(join(folder, 'notes.yaml'), 'of no page')
  writeFileSync(join(parent, 'secret.html'), 'outside')
  mkdirSync(join(parent, 'pages-of-another'))
  writeFileSync(join(parent, 'pages-of-another', 'index.html'), 'outside too')
  return folder
}

test('the page and what belongs to it are served by their kind', async () => {
  const folder = folderOfPages()
  expect(await pageAt(folder, '/')).toMatchObject({
    status: 200,
    headers: { 'content-type': 'text/html; charset=utf-8' },
    body: Buffer.from('<p>页</p>'),
  })
  expect(await pageAt(folder, '/assets/page.js')).toMatchObject({ body: Buffer.from('let a') })
})

test.each([
  '/none.html',
  '/assets',
  '/assets/',
  '/index.html/',
  '/notes.yaml',
  '/../secret.html',
  '/assets/../../secret.html',
  '/../pages-of-another/index.html',
  '',
  '/a\0.html',
])('nothing else is to be had: %j', async path => {
  expect(await pageAt(folderOfPages(), path)).toBeUndefined()
})
