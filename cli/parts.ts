import type { Part } from './program.ts'

/** What is of use on a box, and all that the agent's one file holds. */
export const BOX_PARTS: readonly Part[] = [
  {
    words: {
      agent: { zh: '窗口盒子：驱动评价器、写盘、上传', en: 'the box at the window: drives pads, writes, sends' },
    },
    load: async () => (await import('./agent.ts')).addAgentCommands,
  },
  {
    words: {
      prompt: {
        zh: '在本机窗口发起一次邀评。示例：chuangping prompt 370000202611240001 --service 1 --wait',
        en: 'Ask for a rating at this box. Example: chuangping prompt 370000202611240001 --service 1 --wait',
      },
      pair: {
        zh: '生成六位配对码，让大厅里另一台电脑使用本盒子',
        en: 'make a six-digit code that lets another computer of the hall use this box',
      },
    },
    load: async () => (await import('./prompt.ts')).addPromptCommands,
  },
]

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
