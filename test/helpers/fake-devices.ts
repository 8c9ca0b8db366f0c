import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { DeviceRoots } from '#agent/port/adapters.ts'
import { temporaryFolder } from './temporary-folder.ts'

export interface FakeAdapter {
  vendor: string
  product: string
  serial?: string
  /** Number of the USB socket. */
  socket: number
}

/** The parts of /dev, /sys and /proc that say what is plugged in, as Linux lays them out, in a folder of the test. */
export interface FakeDevices {
  roots: DeviceRoots
  /** Plugs an adapter in under a kernel name as udev would; `target` is what the device leads to, else an empty file. */
  plug(name: string, adapter: FakeAdapter, target?: string): { device: string; byPath: string; byId: string }
  unplug(name: string, adapter: FakeAdapter): void
  /** An adapter that is plugged in and became no serial port. */
  plugWithoutDriver(adapter: FakeAdapter): void
  /** A running program with these files open. */
  run(pid: number, program: string, files: string[]): void
}

export function fakeDevices(): FakeDevices {
  const top = temporaryFolder()
  const roots = { dev: join(top, 'dev'), sys: join(top, 'sys'), proc: join(top, 'proc') }
  for (const folder of Object.values(roots)) mkdirSync(folder)
  const usbDevice = ({ socket }: FakeAdapter) => join(roots.sys, 'devices', 'usb1', `1-${socket}`)
  const linksOf = ({ vendor, product, serial, socket }: FakeAdapter) => ({
    byPath: join(roots.dev, 'serial', 'by-path', `platform-usb-0:${socket}:1.0-port0`),
    byId: join(roots.dev, 'serial', 'by-id', `usb-${vendor}_${product}${serial ? `_${serial}` : ''}-if00-port0`),
  })

  function plugWithoutDriver(adapter: FakeAdapter) {
    const folder = usbDevice(adapter)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'idVendor'), `${adapter.vendor}\n`)
    writeFileSync(join(folder, 'idProduct'), `${adapter.product}\n`)
    if (adapter.serial) writeFileSync(join(folder, 'serial'), `${adapter.serial}\n`)
    link(folder, join(roots.sys, 'bus', 'usb', 'devices', `1-${adapter.socket}`))
  }

  return {
    roots,
    plugWithoutDriver,
    plug(name, adapter, target) {
      plugWithoutDriver(adapter)
      const port = join(usbDevice(adapter), `1-${adapter.socket}:1.0`, name)
      const tty = join(port, 'tty', name)
      mkdirSync(tty, { recursive: true })
      link(port, join(tty, 'device'))
      link(tty, join(roots.sys, 'class', 'tty', name))
      const device = join(roots.dev, name)
      if (target) symlinkSync(target, device)
      else writeFileSync(device, '')
      const links = linksOf(adapter)
      for (const path of Object.values(links)) link(device, path)
      return { device, ...links }
    },
    unplug(name, adapter) {
      rmSync(join(roots.sys, 'class', 'tty', name))
      rmSync(join(roots.sys, 'bus', 'usb', 'devices', `1-${adapter.socket}`))
      rmSync(usbDevice(adapter), { recursive: true })
      rmSync(linksOf(adapter).byPath)
      rmSync(linksOf(adapter).byId, { force: true })
      rmSync(join(roots.dev, name))
    },
    run(pid, program, files) {
      const folder = join(roots.proc, String(pid))
      mkdirSync(join(folder, 'fd'), { recursive: true })
      writeFileSync(join(folder, 'comm'), `${program}\n`)
      for (const [i, file] of files.entries()) symlinkSync(file, join(folder, 'fd', String(i)))
    },
  }
}

/** Relative, as udev and the kernel make them; one that is there is replaced. */
function link(target: string, path: string) {
  mkdirSync(join(path, '..'), { recursive: true })
  rmSync(path, { force: true })
  symlinkSync(relative(join(path, '..'), target), path)
}
