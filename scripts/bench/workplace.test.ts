import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { openWorkplace } from './workplace.ts'

test('a workplace ends what it kept, last first and once, and leaves nothing behind', async () => {
  const below = temporaryFolder()
  const place = await openWorkplace(below)
  const ended: string[] = []
  const end = (name: string) => () => Promise.resolve(ended.push(name))
  place.keep(end('first'))
  const endSecond = place.keep(end('second'))
  place.keep(end('third'))
  expect(place.folder('x')).not.toBe(place.folder('x'))
  await endSecond()
  await place.close()
  expect(ended).toEqual(['second', 'third', 'first'])
  expect(readdirSync(below)).toEqual([])
})

test('the leftovers of a run that was killed go, those of a running one and of others stay', async () => {
  const below = temporaryFolder()
  const noSuchProcess = 2 ** 22 + 1 // Above the greatest process id Linux gives (proc_sys_kernel(5), pid_max).
  for (const name of [`bench-${noSuchProcess}`, `bench-${process.ppid}`, 'bench-notes', 'journal'])
    mkdirSync(join(below, name))
  const place = await openWorkplace(below)
  expect(existsSync(join(below, `bench-${noSuchProcess}`))).toBe(false)
  expect(readdirSync(below).sort()).toEqual(
    [`bench-${process.pid}`, `bench-${process.ppid}`, 'bench-notes', 'journal'].sort(),
  )
  await place.close()
})

test('a workplace that closes while something is being set up ends that too', async () => {
  const place = await openWorkplace(temporaryFolder())
  expect(place.isClosed()).toBe(false)
  await place.close()
  expect(place.isClosed()).toBe(true)
  expect(() => place.folder('late')).toThrow('closed')
  await new Promise<void>(resolve => place.keep(() => Promise.resolve(resolve())))
})
