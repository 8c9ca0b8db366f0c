import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** Where the kernel shows its devices; tests put folders of their own here. */
export interface DeviceRoots {
  dev: string
  sys: string
  proc: string
}

export const KERNEL_ROOTS: DeviceRoots = { dev: '/dev', sys: '/sys', proc: '/proc' }

/** Vendor and product as `lsusb` prints them: four hexadecimal digits each, lower case. */
export interface UsbIdentity {
  vendor: string
  product: string
  /** Many cheap adapters have none. */
  serial?: string
}

/** One serial port of this machine. */
export interface Adapter {
  /** The kernel's name, as /dev/ttyUSB0: another one after the next plugging. */
  device: string
  /** The name of the socket it is plugged into, under /dev/serial/by-path: it stays. */
  byPath?: string
  /** The name of the adapter itself, under /dev/serial/by-id: unique only where adapters have serial numbers. */
  byId?: string
  usb?: UsbIdentity
  /** The USB device in /sys: two ports of one adapter have the same. */
  usbDevice?: string
}

/** Lists the serial ports that the kernel knows, by name. A machine without them gives an empty list. */
export function listAdapters(roots: DeviceRoots = KERNEL_ROOTS): Adapter[] {
  const byPath = namesIn(join(roots.dev, 'serial', 'by-path'))
  const byId = namesIn(join(roots.dev, 'serial', 'by-id'))
  return names(join(roots.sys, 'class', 'tty'))
    .sort()
    .flatMap(name => {
      const usbDevice = usbDeviceOf(join(roots.sys, 'class', 'tty', name), roots.sys)
      const usb = usbDevice && readUsb(usbDevice)
      const [path, id] = [byPath.get(name), byId.get(name)]
      // A console and the ports of a mainboard have no name that udev keeps and belong to nobody's pad.
      if (!usb && !path) return []
      return {
        device: join(roots.dev, name),
        ...(path && { byPath: path }),
        ...(id && { byId: id }),
        ...(usb && { usb, usbDevice }),
      }
    })
}

/** USB devices that are plugged in, whether or not a driver made a serial port of them. */
export function listUsb(roots: DeviceRoots = KERNEL_ROOTS): UsbIdentity[] {
  const folder = join(roots.sys, 'bus', 'usb', 'devices')
  return names(folder).flatMap(name => readUsb(join(folder, name)) ?? [])
}

/** Kernel name to the first of the links in one folder that lead to it. */
function namesIn(folder: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const name of names(folder).sort()) {
    const target = linkTarget(join(folder, name))
    if (target && !found.has(basename(target))) found.set(basename(target), join(folder, name))
  }
  return found
}

function usbDeviceOf(tty: string, sys: string): string | undefined {
  const real = ignoreAbsence(() => realpathSync(join(tty, 'device')))
  const top = ignoreAbsence(() => realpathSync(sys))
  for (let at = real; at && top && at.startsWith(`${top}/`); at = dirname(at)) {
    if (readUsb(at)) return at
  }
  return undefined
}

function readUsb(folder: string): UsbIdentity | undefined {
  const vendor = readWord(join(folder, 'idVendor'))
  const product = readWord(join(folder, 'idProduct'))
  if (!vendor || !product) return undefined
  const serial = readWord(join(folder, 'serial'))
  return { vendor, product, ...(serial && { serial }) }
}

const names = (folder: string): string[] => ignoreAbsence(() => readdirSync(folder)) ?? []
const linkTarget = (path: string) => ignoreAbsence(() => readlinkSync(path))
const readWord = (path: string) => ignoreAbsence(() => readFileSync(path, 'utf8').trim())

/** Devices come and go while they are looked at; what cannot be read is not there. */
export function ignoreAbsence<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    return undefined
  }
}
