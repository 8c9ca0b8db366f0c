import type { ByteList } from '#agent/pad/bytes.ts'
import { bitMapOf, encodeEvent, keyOfGrade } from '#agent/pad/encode.ts'
import type { EventRule, KeyEntry } from '#agent/pad/event-rule.ts'
import type { Profile } from '#agent/pad/profile.ts'
import { GRADE_LABELS, GRADES, type Grade } from '#protocol/grades.ts'
import type { Text } from '#runtime/language.ts'

/** A frame that the keys of a pad make, and what it says. */
export interface KeyFrame {
  rule: EventRule
  bytes: ByteList
  meaning: Text
}

export interface Keyboard {
  readonly grades: readonly Grade[]
  /** Whether it matters to the line when a finger leaves. */
  readonly isTellingRelease: boolean
  /** A finger goes down; the frame to send, none where the pad is asked for its keys. */
  down(grade: Grade): KeyFrame | null
  /** The finger goes up; null where the pad says nothing of it. */
  up(): KeyFrame | null
  /** Where the keys stand, said by one of the events that the question expects; null where none of them speaks of keys. */
  answer(rules: readonly EventRule[]): KeyFrame | null
}

/** The keys of a pad: single events, or a map of bits; sent when they change, or when they are asked for. */
export function createKeyboard(profile: Profile, address: number | null): Keyboard {
  const releasing = profile.events.find(({ gives }) => gives === 'released')
  const asked = profile.poll ? (profile.commands[profile.poll.command]?.expects?.events ?? []) : []
  const isAsked = ({ name }: EventRule) => asked.includes(name)
  let pressed: { grade: Grade; event: EventRule; raw: ByteList } | null = null

  function state(rule: EventRule): KeyFrame {
    const key = pressed && rule.keys.find(({ meaning }) => meaning === pressed?.grade)
    const bytes = encodeEvent(profile, rule, bitMapOf(rule, key ? [key] : [], sizeOf(rule.keys)), address)
    return { rule, bytes, meaning: key ? label('按键', 'key', pressed!.grade) : ALL_UP }
  }

  /** The key that is down, by its value. */
  function value({ grade, event, raw }: NonNullable<typeof pressed>): KeyFrame {
    return { rule: event, bytes: encodeEvent(profile, event, raw, address), meaning: label('按键', 'key', grade) }
  }

  function released(rule: EventRule): KeyFrame {
    return { rule, bytes: encodeEvent(profile, rule, rawOf(rule), address), meaning: ALL_UP }
  }

  return {
    isTellingRelease:
      asked.length > 0 || releasing !== undefined || profile.events.some(({ gives }) => gives === 'keys'),
    grades: GRADES.filter(grade => keyOfGrade(profile, grade)),
    down(grade) {
      const key = keyOfGrade(profile, grade)
      if (!key) return null
      pressed = { grade, ...key }
      if (isAsked(key.event)) return null
      return key.event.gives === 'keys' ? state(key.event) : value(pressed)
    },
    up() {
      const was = pressed
      pressed = null
      if (!was || isAsked(was.event)) return null
      if (was.event.gives === 'keys') return state(was.event)
      if (!releasing || releasing.frame !== was.event.frame) return null
      const bytes = encodeEvent(profile, releasing, was.raw, address)
      return { rule: releasing, bytes, meaning: label('松开', 'released', was.grade) }
    },
    answer(rules) {
      const map = rules.find(({ gives }) => gives === 'keys')
      if (map) return state(map)
      if (!rules.some(({ gives }) => gives === 'key')) return null
      if (pressed && rules.includes(pressed.event)) return value(pressed)
      const rest = rules.find(({ gives }) => gives === 'released') ?? rules.find(({ gives }) => gives !== 'key')
      return rest ? released(rest) : null
    },
  }
}

/** Some raw value that the rule knows. */
export function rawOf(rule: EventRule): ByteList {
  return (rule.codes[0] ?? rule.keys[0])?.bytes ?? [0]
}

const ALL_UP: Text = { zh: '无按键', en: 'no key is down' }

function label(zh: string, en: string, grade: Grade): Text {
  return { zh: `${zh}：${GRADE_LABELS[grade].zh}`, en: `${en}: ${GRADE_LABELS[grade].en}` }
}

function sizeOf(keys: readonly KeyEntry[]): number {
  return Math.max(...keys.map(({ bytes }) => bytes.length))
}
