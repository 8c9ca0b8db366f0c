import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GRADES } from '#protocol/grades.ts'
import { type Effect, IDLE, type SessionInput, type SessionRules, type SessionState, step } from './session.ts'

const rules: SessionRules = { askMs: 60_000, undoMs: 3_000, correctionsMax: 2 }
const first = { id: new Uint8Array(16).fill(1), for: { case: '370000-1', service: 1 } }
const second = { id: new Uint8Array(16).fill(2) }

const inputs = {
  prompted: { kind: 'prompted', prompt: second, window: 'A01', origin: 'panel' },
  pressed: { kind: 'pressed', grade: 'satisfied', isFresh: true },
  bounced: { kind: 'pressed', grade: 'satisfied', isFresh: false },
  declined: { kind: 'declined' },
  cancelled: { kind: 'cancelled', prompt: first.id, reason: 'citizen-left' },
  'cancelled another': { kind: 'cancelled', prompt: second.id, reason: 'citizen-left' },
  'pad ready': { kind: 'pad-changed', condition: 'ready' },
  'pad lost': { kind: 'pad-changed', condition: 'lost' },
  'key stuck': { kind: 'pad-changed', condition: 'stuck-key' },
  'timer fired': { kind: 'timer-fired' },
} as const satisfies Record<string, SessionInput>

const phases = {
  idle: IDLE,
  asking: { kind: 'asking', prompt: first },
  thanked: { kind: 'thanked', prompt: first, corrections: 0 },
  'thanked, corrected': { kind: 'thanked', prompt: first, corrections: 2 },
} as const satisfies Record<string, SessionState['phase']>

const pads = ['ready', 'lost', 'stuck-key', 'out-of-service'] as const

/** One line per effect: short enough to read the whole table. */
function show(effect: Effect): string {
  switch (effect.kind) {
    case 'record':
      return effect.entry === 'prompt'
        ? 'record prompt'
        : `record ${[effect.body.outcome, effect.body.reason].filter(Boolean).join(' ')} of ${effect.body.prompt[0]}`
    case 'record-rating':
      return `record ${effect.entry} of ${effect.prompt.id[0]}`
    case 'show':
      return effect.intent
    case 'start-timer':
      return `timer ${effect.delayMs}`
    case 'stop-timer':
      return 'no timer'
  }
}

describe('every state and every input has one answer', () => {
  const lines: string[] = []
  for (const [phaseName, phase] of Object.entries(phases)) {
    for (const pad of pads) {
      for (const [inputName, input] of Object.entries(inputs)) {
        const decided = step({ pad, phase }, input, rules)
        const answer =
          'ignored' in decided
            ? `ignored: ${decided.ignored}`
            : `→ ${decided.state.phase.kind}, pad ${decided.state.pad}: ${decided.effects.map(show).join(', ')}`
        lines.push(`${phaseName} | pad ${pad} | ${inputName} ${answer}`)
      }
    }
  }
  test('the table', () => {
    expect(lines).toHaveLength(4 * 4 * 10)
    expect(lines.join('\n')).toMatchSnapshot()
  })
  test('asking, pressed: the rating is recorded before the thanks is shown', () => {
    const decided = step({ pad: 'ready', phase: phases.asking }, inputs.pressed, rules)
    expect(decided).toMatchObject({ state: { phase: { kind: 'thanked', prompt: first } } })
    expect('effects' in decided && decided.effects.map(show)).toEqual(['record rating of 1', 'thank', 'timer 3000'])
  })
  test('thanked, pressed again: a correction, and the undo window is not prolonged', () => {
    const decided = step({ pad: 'ready', phase: phases.thanked }, inputs.pressed, rules)
    expect('effects' in decided && decided.effects.map(show)).toEqual(['record correction of 1', 'thank'])
  })
  test('a prompt that no pad could show ends as pad-unavailable, not as the silence of the citizen', () => {
    const decided = step({ pad: 'lost', phase: phases.asking }, inputs['timer fired'], rules)
    expect('effects' in decided && decided.effects.map(show)[0]).toBe('record pad-unavailable pad-lost of 1')
  })
})

const input: fc.Arbitrary<(n: number) => SessionInput> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom({}, { clerk: '1007' }, { clerk: '1008' }).map(
      clerk =>
        (n: number): SessionInput => ({ ...inputs.prompted, ...clerk, prompt: { id: idOf(n) } }),
    ),
  },
  {
    weight: 4,
    arbitrary: fc
      .record({ grade: fc.constantFrom(...GRADES), isFresh: fc.boolean() })
      .map(press => (): SessionInput => ({ kind: 'pressed', ...press })),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(...pads).map(condition => (): SessionInput => ({ kind: 'pad-changed', condition })),
  },
  { weight: 2, arbitrary: fc.constant((): SessionInput => ({ kind: 'timer-fired' })) },
  { weight: 1, arbitrary: fc.constant((): SessionInput => ({ kind: 'declined' })) },
  {
    weight: 1,
    arbitrary: fc.constant((n: number): SessionInput => ({ kind: 'cancelled', prompt: idOf(n - 1), reason: 'other' })),
  },
)

function idOf(n: number): Uint8Array {
  const id = new Uint8Array(16)
  new DataView(id.buffer).setUint32(0, n)
  return id
}

test('prompts conserve: whatever happens, a prompt gets one outcome, and only after it was recorded', () => {
  fc.assert(
    fc.property(fc.array(input, { maxLength: 60, size: 'max' }), makers => {
      let state: SessionState = { pad: 'ready', phase: IDLE }
      let prompts = 0
      const outcomes = new Map<string, number>()
      const take = (one: SessionInput) => {
        const decided = step(state, one, rules)
        if ('ignored' in decided) return
        state = decided.state
        let isRecorded = false
        for (const effect of decided.effects) {
          if (effect.kind === 'record' && effect.entry === 'prompt') {
            outcomes.set(String(effect.body.prompt), 0)
          } else if (effect.kind === 'record' || (effect.kind === 'record-rating' && effect.entry === 'rating')) {
            const id = String(effect.kind === 'record' ? effect.body.prompt : effect.prompt.id)
            expect(outcomes.has(id)).toBe(true)
            outcomes.set(id, outcomes.get(id)! + 1)
          }
          if (effect.kind === 'record-rating') isRecorded = true
          if (effect.kind === 'show' && effect.intent === 'thank' && one.kind === 'pressed')
            expect(isRecorded).toBe(true)
        }
        for (const count of outcomes.values()) expect(count).toBeLessThanOrEqual(1)
      }
      for (const make of makers) {
        const one = make(prompts)
        if (one.kind === 'prompted') prompts += 1
        take(one)
      }
      take({ kind: 'timer-fired' }) // The run ends quietly: the last prompt has its time-out.
      expect([...outcomes.values()].every(count => count === 1)).toBe(true)
      expect(outcomes.size).toBe(prompts)
    }),
    { numRuns: 300 },
  )
})

test('whenever a pad asks, it shows who serves as the open prompt recorded it, and nobody else', () => {
  fc.assert(
    fc.property(fc.array(input, { maxLength: 60, size: 'max' }), makers => {
      let state: SessionState = { pad: 'ready', phase: IDLE }
      let recorded: string | undefined
      let prompts = 0
      for (const make of makers) {
        const one = make(prompts)
        if (one.kind === 'prompted') prompts += 1
        const decided = step(state, one, rules)
        if ('ignored' in decided) continue
        state = decided.state
        for (const effect of decided.effects) {
          if (effect.kind === 'record' && effect.entry === 'prompt') recorded = effect.body.clerk
          if (effect.kind === 'show' && effect.intent === 'ask') expect(effect.clerk).toBe(recorded)
        }
      }
    }),
    { numRuns: 300 },
  )
})
