import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Text } from '#runtime/language.ts'

/** What a fault needs of the machine. */
export const TOOLS = ['mosquitto', 'image', 'own-disk', 'strace', 'faketime', 'nft'] as const
export type Tool = (typeof TOOLS)[number]

export const FAKETIME = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/faketime/libfaketime.so.1`

/** What is missing, in words that say how to get it. */
export const TOOL_TEXTS: Record<Tool, Text> = {
  mosquitto: { zh: '需要 Mosquitto（apt install mosquitto）', en: 'needs Mosquitto (apt install mosquitto)' },
  image: {
    zh: '需要 root、可用的环回设备和 e2fsprogs（切断电源在单独挂载的文件系统上进行）',
    en: 'needs root, loop devices and e2fsprogs (power is cut on a file system of its own)',
  },
  'own-disk': {
    zh: '需要 root，或允许普通用户使用命名空间（内存盘可写满）',
    en: 'needs root, or user namespaces for ordinary users (a disk in memory that can be full)',
  },
  strace: { zh: '需要 strace（apt install strace）', en: 'needs strace (apt install strace)' },
  faketime: { zh: '需要 libfaketime（apt install faketime）', en: 'needs libfaketime (apt install faketime)' },
  nft: {
    zh: '需要 nftables（apt install nftables），以及 root 或用户命名空间',
    en: 'needs nftables (apt install nftables), and root or user namespaces',
  },
}

/** How this process is set apart from the rest of the machine. */
export type Isolation = 'root' | 'user' | 'none'

/** The tools that are there, for a world that is set apart so. */
export function findTools(isolation: Isolation): Set<Tool> {
  const found: Record<Tool, boolean> = {
    mosquitto: isThere('mosquitto'),
    image: isolation === 'root' && existsSync('/dev/loop-control') && isThere('mkfs.ext4') && isThere('perl'),
    'own-disk': isolation !== 'none',
    strace: isThere('strace'),
    faketime: existsSync(FAKETIME),
    nft: isolation !== 'none' && isThere('nft'),
  }
  return new Set(TOOLS.filter(tool => found[tool]))
}

const PATHS = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin']

export const isThere = (program: string) => PATHS.some(path => existsSync(join(path, program)))

/** The command that sets a world apart: network and mounts of its own, which are gone with its last process. */
export function isolating(isolation: Isolation): string[] {
  const user = isolation === 'user' ? ['--user', '--map-root-user'] : []
  return isolation === 'none' ? [] : ['unshare', ...user, '--net', '--mount']
}
