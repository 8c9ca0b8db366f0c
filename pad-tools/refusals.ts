import type { Text } from '#runtime/language.ts'

export const LEARN_REFUSALS = [
  'pad-silent',
  'key-not-heard',
  'key-not-repeated',
  'keys-alike',
  'press-contradicts',
  'key-while-idle',
  'framing-unknown',
  'noise',
] as const
export type LearnRefusalCode = (typeof LEARN_REFUSALS)[number]

/** Why nothing was learnt and what is needed; `keys` are the faces it is about, 0 the best. */
export interface LearnRefusal {
  code: LearnRefusalCode
  detail: string
  needs: Text
  keys: readonly number[]
}

/** A refusal to guess, with the next step for the person at the pad. */
export function refuse(code: LearnRefusalCode, keys: readonly number[] = [], more = '') {
  const needs = NEEDS[code](keys.map(key => key + 1).join('、'))
  const detail = more === '' ? needs.en : `${needs.en}\n${more}`
  return { ok: false as const, error: { code, detail, needs, keys } }
}

const NEEDS: Record<LearnRefusalCode, (keys: string) => Text> = {
  'pad-silent': () => ({
    zh: '按键时什么也没有收到：可能接错端口、没有供电、收发线接反，或者它必须由主机查询才会回答',
    en: 'nothing came while keys were pressed: the wrong port, no power, crossed wires, or a pad that only answers when it is asked',
  }),
  'key-not-heard': keys => ({
    zh: `没有听清第 ${keys} 个键：请再按一次第 ${keys} 个键`,
    en: `key ${keys} was heard too seldom: press key ${keys} once more`,
  }),
  'key-not-repeated': keys => ({
    zh: `第 ${keys} 个键每次发的内容都不同：请再按一次第 ${keys} 个键`,
    en: `key ${keys} was different each time: press key ${keys} once more`,
  }),
  'keys-alike': () => ({
    zh: '各键发的内容分不开：请确认按的是不同的键，一次只按一个',
    en: 'the keys cannot be told apart: make sure that different keys are pressed, one at a time',
  }),
  'press-contradicts': keys => ({
    zh: `要求按第 ${keys} 个键时，收到的是另一个键：请按要求的顺序重新按`,
    en: `another key was heard when key ${keys} was asked for: press again in the order asked`,
  }),
  'key-while-idle': () => ({
    zh: '没有人按键时也收到了按键：请离开评价器几秒再试',
    en: 'a key was heard while nobody was to press: leave the pad alone for some seconds and try again',
  }),
  'framing-unknown': () => ({
    zh: '收到的内容有重复，但不符合任何已知的成帧方式：请保存记录并索取厂家的协议文档',
    en: "what came recurs, but in no framing that a profile can say: keep the trace and ask for the maker's document",
  }),
  noise: () => ({
    zh: '收到的只是干扰：请检查波特率、校验位、接地，用 --baud 固定波特率后再试',
    en: 'what came is noise: check baud, parity and ground, fix the speed with --baud and try again',
  }),
}
