import { realpathSync } from 'node:fs'
import { dirname } from 'node:path'
import { fail, ok, type Result } from '#protocol/result.ts'
import {
  type Adapter,
  type DeviceRoots,
  ignoreAbsence,
  KERNEL_ROOTS,
  listAdapters,
  type UsbIdentity,
} from './adapters.ts'

export type UsbHint = Pick<UsbIdentity, 'vendor' | 'product'>

/** Which port a window wants: a name from the configuration, or whatever adapter its profile knows. */
export type WantedPort = { kind: 'path'; path: string } | { kind: 'usb'; hints: readonly UsbHint[] }

/** Names a line: pads that want the same port are on the same one. */
export function nameOfPort(port: WantedPort): string {
  return port.kind === 'path' ? port.path : `usb ${port.hints.map(describeUsb).join(', ')}`
}

export interface PortFault {
  code: 'port-missing' | 'port-ambiguous'
  detail: string
}

/**
 * Finds the device to open now. Never "the first port": where two could be meant, none is, and the detail
 * names the sockets to choose from.
 */
export function findPort(wanted: WantedPort, roots: DeviceRoots = KERNEL_ROOTS): Result<string, PortFault> {
  return wanted.kind === 'path' ? findByName(wanted.path, roots) : findByHint(wanted.hints, roots)
}

/** A name under by-id is worthless when adapters without serial numbers have the same: it means the last one plugged in. */
function findByName(path: string, roots: DeviceRoots): Result<string, PortFault> {
  const device = ignoreAbsence(() => realpathSync(path))
  if (!device) return fail('port-missing', `${path} is not there`)
  if (dirname(path) !== `${roots.dev}/serial/by-id`) return ok(path)
  const adapters = listAdapters(roots)
  const own = adapters.find(adapter => adapter.device === device)
  const twins = adapters.filter(other => own && isTwin(own, other))
  return twins.length === 0 ? ok(path) : ambiguous([own!, ...twins], path)
}

function isTwin(own: Adapter, other: Adapter): boolean {
  if (own.usbDevice === undefined || own.usbDevice === other.usbDevice) return false
  const [a, b] = [own.usb!, other.usb]
  return a.vendor === b?.vendor && a.product === b.product && a.serial === b.serial
}

function findByHint(hints: readonly UsbHint[], roots: DeviceRoots): Result<string, PortFault> {
  const matching = listAdapters(roots).filter(({ usb }) => usb && hints.some(hint => isHinted(usb, hint)))
  const [first] = matching
  const kinds = hints.map(describeUsb).join(', ')
  if (!first) return fail('port-missing', `no adapter of the kind this pad comes with (${kinds}) is plugged in`)
  return matching.length === 1 ? ok(first.byPath ?? first.device) : ambiguous(matching, kinds)
}

function ambiguous(adapters: Adapter[], wanted: string) {
  const list = adapters.map(({ byPath, device }) => byPath ?? device).join(', ')
  return fail(
    'port-ambiguous',
    `${adapters.length} ports fit ${wanted}; name the socket of this pad as its port: ${list}`,
  )
}

export function isHinted(usb: UsbHint, hint: UsbHint): boolean {
  return usb.vendor === hint.vendor.toLowerCase() && usb.product === hint.product.toLowerCase()
}

export function describeUsb({ vendor, product }: UsbHint): string {
  return `${vendor}:${product}`.toLowerCase()
}

/** The name to write into the configuration instead of a kernel name that changes; undefined where the name stays. */
export function betterName(path: string, roots: DeviceRoots = KERNEL_ROOTS): string | undefined {
  return listAdapters(roots).find(({ device }) => device === path)?.byPath
}

/** The folders in which a name appears when one of these ports is plugged in. */
export function foldersToWatch(ports: readonly WantedPort[], roots: DeviceRoots = KERNEL_ROOTS): string[] {
  const folders = ports.flatMap(port =>
    port.kind === 'path' ? [dirname(port.path)] : [roots.dev, `${roots.dev}/serial/by-path`],
  )
  return [...new Set(folders)]
}
