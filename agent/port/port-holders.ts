import { readdir, readFile, readlink, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { Text } from '#runtime/language.ts'
import { type DeviceRoots, KERNEL_ROOTS, listAdapters, listUsb } from './adapters.ts'
import { describeUsb, isHinted, type UsbHint, type WantedPort } from './find-port.ts'

/** A program that has a port open besides us. */
export interface PortHolder {
  pid: number
  /** As the kernel names it, at most 15 characters. */
  program: string
}

/**
 * Names the programs that have this device open, as far as this user may look: without the right to, the list
 * is empty. Our own process is left out, and a pad in software, which has the other end of its terminal open and
 * has to keep ours. Costs one look at every open file of the machine, a few milliseconds.
 */
export async function portHolders(path: string, roots: DeviceRoots = KERNEL_ROOTS): Promise<PortHolder[]> {
  const device = await realpath(path).catch(absent)
  if (!device) return []
  const holders: PortHolder[] = []
  for (const { pid, folder } of await processes(roots)) {
    if (pid === process.pid) continue
    const files = (await readdir(join(folder, 'fd')).catch(absent)) ?? []
    const targets = await Promise.all(files.map(file => readlink(join(folder, 'fd', file)).catch(absent)))
    if (!targets.includes(device)) continue
    if (
      await hasOtherEnd(
        folder,
        device,
        files.filter((_, i) => targets[i]?.endsWith('/ptmx')),
      )
    )
      continue
    holders.push({ pid, program: await programName(folder) })
  }
  return holders
}

/** Whether one of these masters belongs to the terminal; the kernel tells its number (`fs/devpts`, `tty-index`). */
async function hasOtherEnd(folder: string, device: string, masters: readonly string[]): Promise<boolean> {
  const [, number] = /^\/dev\/pts\/(\d+)$/.exec(device) ?? []
  if (number === undefined) return false
  const infos = await Promise.all(masters.map(file => readFile(join(folder, 'fdinfo', file), 'utf8').catch(absent)))
  return infos.some(info => /^tty-index:\s*(\d+)$/m.exec(info ?? '')?.[1] === number)
}

/**
 * Names the program that took the adapter away before it became a serial port: brltty does that to adapters that
 * it takes for braille displays. Undefined where the adapter is simply not plugged in.
 */
export async function adapterTaker(
  hints: readonly UsbHint[],
  roots: DeviceRoots = KERNEL_ROOTS,
): Promise<{ adapter: string; program: 'brltty' } | undefined> {
  const hint = hints.find(one => listUsb(roots).some(usb => isHinted(usb, one)))
  if (!hint || listAdapters(roots).some(({ usb }) => usb && isHinted(usb, hint))) return undefined
  for (const { folder } of await processes(roots)) {
    if ((await programName(folder)) === 'brltty') return { adapter: describeUsb(hint), program: 'brltty' }
  }
  return undefined
}

/** The file that keeps ModemManager off an adapter. */
export const MODEM_MANAGER_RULES = '/etc/udev/rules.d/78-chuangping-pads.rules'

/** The line of `MODEM_MANAGER_RULES` for one adapter (ModemManager, "Common udev tags"). */
export function modemManagerRule({ vendor, product }: UsbHint): string {
  return `SUBSYSTEMS=="usb", ATTRS{idVendor}=="${vendor}", ATTRS{idProduct}=="${product}", ENV{ID_MM_DEVICE_IGNORE}="1", ENV{ID_MM_PORT_IGNORE}="1"`
}

/** What to do about a program on a pad's port, in a sentence. */
export function holderCure(program: string, usb: UsbHint | undefined): Text {
  if (program === 'brltty') {
    return {
      zh: '盲文显示程序 brltty 占用了转接器。本机没有盲文显示器时卸载它：apt remove brltty；否则屏蔽它的规则：ln -s /dev/null /etc/udev/rules.d/85-brltty.rules，然后重新插拔。',
      en: 'brltty, for braille displays, took the adapter. Without such a display: apt remove brltty. With one: ln -s /dev/null /etc/udev/rules.d/85-brltty.rules. Then plug the adapter in again.',
    }
  }
  if (program === 'ModemManager') {
    const rule = modemManagerRule(usb ?? { vendor: '<idVendor>', product: '<idProduct>' })
    return {
      zh: `调制解调器管理程序 ModemManager 在向评价器发送 AT 命令。在 ${MODEM_MANAGER_RULES} 中加入一行 ${rule}，运行 udevadm control --reload，然后重新插拔。`,
      en: `ModemManager sends AT commands to the pad. Put the line ${rule} into ${MODEM_MANAGER_RULES}, run udevadm control --reload, and plug the adapter in again.`,
    }
  }
  return {
    zh: `程序 ${program} 打开了评价器的串口，请先关闭它。`,
    en: `The program ${program} has the port of the pad open; stop it.`,
  }
}

/** What stands between a pad and us, for the log: which program, and the cure. */
export interface PortTrouble {
  program: string
  pid?: number
  cure: Text
}

/** Looks for the program that explains a fault of a line; undefined where none is to blame. */
export async function explainFault(
  port: WantedPort,
  fault: string,
  hints: readonly UsbHint[],
  roots: DeviceRoots = KERNEL_ROOTS,
): Promise<PortTrouble | undefined> {
  if (fault === 'port-missing') {
    const taker = await adapterTaker(hints, roots)
    return taker && { program: taker.program, cure: holderCure(taker.program, undefined) }
  }
  return fault === 'port-busy' && port.kind === 'path' ? await explainSharing(port.path, hints, roots) : undefined
}

/** Looks for another program on a port that is ours: locks only keep out those who ask for them. */
export async function explainSharing(
  path: string,
  hints: readonly UsbHint[],
  roots: DeviceRoots = KERNEL_ROOTS,
): Promise<PortTrouble | undefined> {
  const [holder] = await portHolders(path, roots)
  if (!holder) return undefined
  const device = await realpath(path).catch(absent)
  const usb = listAdapters(roots).find(adapter => adapter.device === device)?.usb ?? hints[0]
  return { ...holder, cure: holderCure(holder.program, usb) }
}

async function processes(roots: DeviceRoots): Promise<{ pid: number; folder: string }[]> {
  const names = (await readdir(roots.proc).catch(absent)) ?? []
  return names.filter(name => /^\d+$/.test(name)).map(name => ({ pid: Number(name), folder: join(roots.proc, name) }))
}

async function programName(folder: string): Promise<string> {
  return (await readFile(join(folder, 'comm'), 'utf8').catch(absent))?.trim() ?? 'unknown'
}

/** Processes end, and those of others may not be looked at. */
function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === undefined) throw error
}
