import { mkdirSync, rmSync, symlinkSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { createPortWatch } from './port-watch.ts'

function watchFolders(folders: string[]) {
  let wake = () => {}
  let times = 0
  const watch = createPortWatch({
    folders,
    onChange() {
      times += 1
      wake()
    },
  })
  onTestFinished(watch.stop)
  return {
    watch,
    times: () => times,
    /** Resolves when a change is told and the wish holds. */
    async until(isSo: () => boolean) {
      while (!isSo()) {
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
    },
  }
}

test('a device that is plugged in and pulled out is told each time', async () => {
  const folder = temporaryFolder()
  const { until, times } = watchFolders([folder])
  symlinkSync('/dev/null', join(folder, 'pad'))
  await until(() => times() >= 1)
  rmSync(join(folder, 'pad'))
  await until(() => times() >= 2)
})

test('a folder that is made, removed and made again is followed, as udev does with the last adapter', async () => {
  const folder = join(temporaryFolder(), 'serial', 'by-path')
  const seen = watchFolders([folder])
  for (let round = 0; round < 3; round++) {
    let before = seen.times()
    mkdirSync(folder, { recursive: true })
    await seen.until(() => seen.times() > before)
    before = seen.times()
    writeFileSync(join(folder, 'pad'), '')
    await seen.until(() => seen.times() > before)
    before = seen.times()
    rmSync(join(folder, '..'), { recursive: true })
    await seen.until(() => seen.times() > before)
  }
})

test('bytes written to a device are no change', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'pad'), '')
  const { times } = watchFolders([folder])
  // Events of one folder come in order, to each watcher in turn: when this one has heard of the last, so has ours.
  const last = new Promise<void>(resolve => {
    const other = watch(folder, (_, name) => name === 'last' && resolve())
    onTestFinished(() => other.close())
  })
  for (let i = 0; i < 5; i++) writeFileSync(join(folder, 'pad'), 'x', { flag: 'a' })
  symlinkSync('/dev/null', join(folder, 'last'))
  await last
  expect(times()).toBe(1)
})
