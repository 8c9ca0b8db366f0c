import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { signTimeAnswer } from '#protocol/time-answer.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { signingKeys } from '#test/helpers/test-keys.ts'
import { createTimeQuestion } from './time-question.ts'

const collector = signingKeys()

function setUp() {
  const clock = createFakeClock()
  const question = createTimeQuestion({ clock, randomBytes, box: 'box-1', collectorKey: collector.publicKey })
  const answer = (changes: { box?: string; question?: Uint8Array } = {}, key = collector.privateKey) =>
    signTimeAnswer({ version: 1, box: 'box-1', question: question.open()!, at: clock.wallMs(), ...changes }, key)
  return { clock, question, answer }
}

test('an answer says what time it was some time since the question', () => {
  const { clock, question, answer } = setUp()
  const askedMonoMs = clock.monoMs()
  question.ask()
  clock.advance(100)
  const [bytes, atWallMs] = [answer(), clock.wallMs()]
  clock.advance(100)
  expect(question.answered(bytes)).toEqual({ ok: true, value: { atWallMs, sinceMonoMs: askedMonoMs } })
})

test('one answer is taken for a question, and none for a question asked before, of another box or of nobody', () => {
  const { question, answer } = setUp()
  const refused = { ok: false, error: { code: 'time-not-asked' } }
  question.ask()
  const early = answer()
  question.ask()
  expect(question.answered(early)).toMatchObject(refused)
  expect(question.answered(answer({ box: 'box-2' }))).toMatchObject(refused)
  const bytes = answer()
  expect(question.answered(bytes)).toMatchObject({ ok: true })
  expect(question.answered(bytes)).toMatchObject(refused)
  expect(question.open()).toBeUndefined()
})

test('an answer that somebody else signed is refused, and the question stays open', () => {
  const { question, answer } = setUp()
  question.ask()
  const forged = answer({}, signingKeys().privateKey)
  expect(question.answered(forged)).toMatchObject({ ok: false, error: { code: 'bad-signature' } })
  expect(question.answered(answer())).toMatchObject({ ok: true })
})
