import { expect, test } from 'vitest'
import { fileSystemOf } from './machine.ts'
import { blockBytesWritten, residentMiB } from './process-figures.ts'

const MOUNTS = `rootfs / rootfs rw 0 0
/dev/mmcblk0p2 / ext4 rw,noatime 0 0
tmpfs /srv tmpfs rw 0 0
/dev/sda1 /srv/data xfs rw 0 0
`

test.each([
  ['/home/pi/chuangping', 'ext4'],
  ['/srv/data/chuangping', 'xfs'],
  ['/srv/database', 'tmpfs'],
  ['/srv', 'tmpfs'],
])('%s lies on %s', (folder, type) => {
  expect(fileSystemOf(folder, MOUNTS)).toBe(type)
})

test("the kernel's account of a process is read, and a kernel without one is told apart from zero", () => {
  expect(blockBytesWritten('wchar: 9\ncancelled_write_bytes: 4096\nwrite_bytes: 8192\n')).toBe(8192)
  expect(residentMiB('VmHWM:\t  204800 kB\nVmRSS:\t  102400 kB\n')).toBe(100)
  expect(() => blockBytesWritten('wchar: 9\n')).toThrow('write_bytes')
})
