import { BOX_PARTS } from './box-parts.ts'
import type { Part } from './program.ts'

/** Everything, in the order of the list of commands. */
export const PARTS: readonly Part[] = [
  ...BOX_PARTS,
  {
    words: { pad: { zh: '评价器型号与虚拟评价器', en: 'pad profiles, and a virtual pad' } },
    load: async () => (await import('./pad.ts')).addPadCommands,
  },
  {
    words: { collector: { zh: '评价汇集中心', en: 'the collector: receives what the boxes wrote' } },
    load: async () => (await import('./collector.ts')).addCollectorCommands,
  },
  {
    words: { import: { zh: '在汇集中心导入盒子的摆渡包', en: 'take in what boxes exported, at the collector' } },
    load: async () => (await import('./import.ts')).addImportCommands,
  },
  {
    words: { recover: { zh: '从拔下的存储卡中取回评价并送达', en: 'deliver what a pulled card still holds' } },
    load: async () => (await import('./recover.ts')).addRecoverCommands,
  },
  {
    words: { identities: { zh: '开发用证书与密钥', en: 'certificates and keys for development' } },
    load: async () => (await import('./identities.ts')).addIdentityCommands,
  },
  {
    words: {
      entry: {
        zh: '查看条目、批、回执等的内容与真伪',
        en: 'look at entries, batches and receipts, and what of them holds',
      },
    },
    load: async () => (await import('./entry.ts')).addEntryCommands,
  },
  {
    words: {
      verify: {
        zh: '核验全部证据与由其得出的各表',
        en: 'check all evidence and every table that follows from it',
      },
    },
    load: async () => (await import('./verify.ts')).addVerifyCommands,
  },
  {
    words: {
      evidence: { zh: '证据的导出', en: 'evidence, to be checked elsewhere' },
      digest: { zh: '每日摘要的导出', en: 'daily digests, for a third party' },
    },
    load: async () => (await import('./evidence.ts')).addEvidenceCommands,
  },
]
