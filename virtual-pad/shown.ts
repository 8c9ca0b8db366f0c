import type { Command } from '#agent/pad/profile.ts'
import type { ParameterValues } from '#agent/pad/template.ts'
import type { Text } from '#runtime/language.ts'

/** What a person in front of the pad sees and hears. */
export interface Shown {
  lamp: string
  text: Text
  sound: string
}

export const DARK: Shown = { lamp: 'off', text: { zh: '', en: '' }, sound: 'silent' }

export const NOT_UNDERSTOOD: Text = { zh: '无法识别', en: 'not understood' }
export const NO_COMMAND: Text = { zh: '帧完整，但没有这条命令', en: 'a whole frame, but no command of this pad' }
export const OTHER_PAD: Text = { zh: '发给其他地址的评价器', en: 'for a pad with another address' }
export const ANSWERED: Text = { zh: '按键的应答', en: 'answer to the key' }
export const RETURNED: Text = { zh: '原样返回命令', en: 'the command sent back' }
export const ECHO: Text = { zh: '线路回显', en: 'echo of the line' }
export const again = (text: Text): Text => ({ zh: `${text.zh}（未应答，重发）`, en: `${text.en} (unanswered, again)` })

export function describeCommand(command: Command, values: ParameterValues): Text {
  const list = Object.entries(values).map(([name, value]) => ({ meaning: command.parameters[name]!.meaning, value }))
  if (list.length === 0) return command.meaning
  return {
    zh: `${command.meaning.zh}（${list.map(({ meaning, value }) => `${meaning.zh} ${value}`).join('，')}）`,
    en: `${command.meaning.en} (${list.map(({ meaning, value }) => `${meaning.en} ${value}`).join(', ')})`,
  }
}

/** What a command does not speak of stays as it was; only a sound ends by itself. */
export function shownAfter(before: Shown, command: Command, values: ParameterValues): Shown {
  const { lamp, text, sound } = command.shows
  const fill = (template: string) =>
    template.replace(/\{([a-z0-9-]+)\}/g, (_, name: string) => String(values[name] ?? '—'))
  return {
    lamp: lamp ?? before.lamp,
    text: text ? { zh: fill(text.zh), en: fill(text.en) } : before.text,
    sound: sound ?? 'silent',
  }
}
