import type { Part } from './program.ts'

/** What is of use on a box, and all that is built for one. */
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
  {
    words: {
      export: { zh: '把尚无回执的条目导出为摆渡包', en: 'write what has no receipt yet to a file that is carried' },
      receipts: { zh: '从汇集中心带回的回执', en: 'receipts that were carried back from the collector' },
    },
    load: async () => (await import('./export.ts')).addExportCommands,
  },
]
