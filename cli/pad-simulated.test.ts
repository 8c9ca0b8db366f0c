import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { shipped } from '#agent/pad/fixtures/profiles.ts'
import { learnLive } from '#pad-tools/ask-presses.ts'
import { identify } from '#pad-tools/identify-live.ts'
import { createPortOpener } from '#pad-tools/open-port.ts'
import { writeLearnt } from '#pad-tools/write-learnt.ts'
import { GRADES } from '#protocol/grades.ts'
import type { Text } from '#runtime/language.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import { type Program, startProgram } from '#scripts/program.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

// The commands that open a port, against `pad simulate` in a process of its own, as a person runs them.
let pad: Program
beforeAll(async () => {
  pad = await startProgram(['pad', 'simulate', 'modbus-rtu-5-input', '--address', '3', '--port', '0'])
})
afterAll(() => pad.stop())

const opener = () => createPortOpener({ clock: createSystemClock(), path: String(pad.ready['devicePath']) })

async function act(what: 'hold' | 'release', body: object) {
  const headers = { 'content-type': 'application/json' }
  const url = `${String(pad.ready['url'])}/v1/${what}`
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${what}: ${answer.status}`)
}

test('identify knows the pad that another process simulates', async () => {
  const profiles = [shipped('modbus-rtu-5-input', { address: 3 }), shipped('generic-pj06')]
  const found = await identify({
    open: opener(),
    profiles: profiles.map(one => ({ ...one, baudsAllowed: [9600] })),
    listenMs: 20,
    onListen() {},
  })
  expect(found.ok ? found.value[0] : found.error).toMatchObject({ profile: 'modbus-rtu-5-input', confidence: 'high' })
})

test('learn finds the query that a silent pad answers, and where its keys stand', async () => {
  await act('release', {})
  const said: Text[] = []
  const acts: Promise<void>[] = []
  const learnt = await learnLive({
    open: opener(),
    person: {
      say(text) {
        said.push(text)
        const key = /^Press key (\d) and hold/.exec(text.en)?.[1]
        if (key) acts.push(act('hold', { grade: GRADES[Number(key) - 1] }))
        if (text.en === 'Let go.') acts.push(act('release', {}))
      },
    },
    patience: { pressMs: 500, stillMs: 20, pressMsMax: 100, listenMs: 20, answerMs: 150 },
    random: () => 0.5,
    options: { id: 'acme-m5', title: { zh: '多路', en: 'Inputs' }, grades: GRADES.slice(0, 3) },
    fixed: { baud: 9600, parity: 'none' },
    addresses: [],
    profiles: [],
    queries: [],
  })
  await Promise.all(acts)
  if (!learnt.ok) throw new Error(learnt.error.detail)
  expect(learnt.value.learnt.keys.map(({ raw }) => raw)).toEqual(['01', '02', '04'])
  expect(learnt.value.learnt.pressesMissed).toEqual([])
  expect(said.every(({ zh }) => /[一-鿿]/.test(zh))).toBe(true)
  expect(writeLearnt(join(temporaryFolder(), 'acme-m5'), learnt.value.learnt)).toMatchObject({
    ok: true,
    value: { address: { default: 3 }, poll: { command: 'read-keys' } },
  })
})
