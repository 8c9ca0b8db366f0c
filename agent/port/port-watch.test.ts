import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
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
  const { until, times } = watchFolders([folder])
  for (let i = 0; i < 5; i++) writeFileSync(join(folder, 'pad'), 'x', { flag: 'a' })
  // Told in order: when this one is here, those would have been.
  writeFileSync(join(folder, 'other'), '')
  await until(() => times() > 0)
  expect(times()).toBe(1)
})
