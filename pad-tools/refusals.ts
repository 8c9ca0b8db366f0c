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
  'pad-known',
  'query-unknown',
  'query-refused',
  'answer-unsteady',
  'answer-latched',
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

/** Nothing was learnt, because a profile knows the pad already. */
export function refuseKnown(profile: string) {
  const needs = NEEDS['pad-known'](profile)
  return { ok: false as const, error: { code: 'pad-known' as const, detail: needs.en, needs, keys: [] } }
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
  'pad-known': profile => ({
    zh: `按键时没有发送，但它回答了型号 ${profile} 的查询：请用 chuangping pad identify 确认，并按该型号检查按键为何不发送`,
    en: `it says nothing when pressed but answers a query of the profile ${profile}: confirm it with chuangping pad identify, and look there why its keys send nothing`,
  }),
  'query-unknown': () => ({
    zh: '按键时没有主动发送，也不回答无害的查询（Modbus 读、已知型号的查询）。需要厂家手册中的：读取按键的查询字节（用 --query 给出）、波特率和校验位、出厂地址',
    en: "it is silent when pressed, and no harmless query is answered (Modbus reads, those of known profiles). Needed from the maker's manual: the bytes that ask for the keys (give them with --query), speed and parity, and the address it comes with",
  }),
  'query-refused': () => ({
    zh: '它是 Modbus 设备，但拒绝读取地址 0 起的输入和寄存器。需要厂家手册中的：按键所在的功能码和寄存器地址；用 --query 给出该查询的字节',
    en: "it speaks Modbus but refuses to read inputs and registers from 0 on. Needed from the maker's manual: function and register of the keys; give the bytes of that query with --query",
  }),
  'answer-unsteady': () => ({
    zh: '无人按键时应答也在变化：请离开评价器再试；仍然如此则需要厂家手册中应答的格式',
    en: "its answers change while nobody presses: leave it alone and try again; if they still do, the form of the answer is needed from the maker's manual",
  }),
  'answer-latched': keys => ({
    zh: `松开第 ${keys} 个键后，应答没有恢复：它可能记住了最后一个键。需要厂家手册中的：怎样清除，或哪个字节说明是新的按键`,
    en: `after key ${keys} was let go its answer stayed: perhaps it keeps the last key. Needed from the maker's manual: how that is cleared, or what tells a new press`,
  }),
  noise: () => ({
    zh: '收到的只是干扰：请检查波特率、校验位、接地，用 --baud 固定波特率后再试',
    en: 'what came is noise: check baud, parity and ground, fix the speed with --baud and try again',
  }),
}
