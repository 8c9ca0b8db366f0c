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
  /** What the keys of this rule are, for a pad that is asked. */
  state(rule: EventRule): KeyFrame
}

/** The keys of a pad: single events, or a map of bits that is sent when it changes or when it is asked for. */
export function createKeyboard(profile: Profile, address: number | null): Keyboard {
  const releasing = profile.events.find(({ gives }) => gives === 'released')
  let pressed: { grade: Grade; event: EventRule; raw: ByteList } | null = null

  function state(rule: EventRule): KeyFrame {
    const key = pressed && rule.keys.find(({ meaning }) => meaning === pressed?.grade)
    const bytes = encodeEvent(profile, rule, bitMapOf(rule, key ? [key] : [], sizeOf(rule.keys)), address)
    return { rule, bytes, meaning: key ? label('按键', 'key', pressed!.grade) : ALL_UP }
  }

  return {
    isTellingRelease: releasing !== undefined || profile.events.some(({ gives }) => gives === 'keys'),
    grades: GRADES.filter(grade => keyOfGrade(profile, grade)),
    down(grade) {
      const key = keyOfGrade(profile, grade)
      if (!key) return null
      pressed = { grade, ...key }
      if (key.event.gives === 'keys') return profile.poll ? null : state(key.event)
      const bytes = encodeEvent(profile, key.event, key.raw, address)
      return { rule: key.event, bytes, meaning: label('按键', 'key', grade) }
    },
    up() {
      const was = pressed
      pressed = null
      if (!was) return null
      if (was.event.gives === 'keys') return profile.poll ? null : state(was.event)
      if (!releasing || releasing.frame !== was.event.frame) return null
      const bytes = encodeEvent(profile, releasing, was.raw, address)
      return { rule: releasing, bytes, meaning: label('松开', 'released', was.grade) }
    },
    state,
  }
}

const ALL_UP: Text = { zh: '无按键', en: 'no key is down' }

function label(zh: string, en: string, grade: Grade): Text {
  return { zh: `${zh}：${GRADE_LABELS[grade].zh}`, en: `${en}: ${GRADE_LABELS[grade].en}` }
}

function sizeOf(keys: readonly KeyEntry[]): number {
  return Math.max(...keys.map(({ bytes }) => bytes.length))
}
