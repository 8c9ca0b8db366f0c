import { afterAll, beforeAll, expect, test } from 'vitest'
import { shipped } from '#agent/pad/fixtures/profiles.ts'
import { identify } from '#pad-tools/identify-live.ts'
import { createPortOpener } from '#pad-tools/open-port.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import { type Program, startProgram } from '#scripts/program.ts'

// The commands that open a port, against `pad simulate` in a process of its own, as a person runs them.
const clock = createSystemClock()
let pad: Program
beforeAll(async () => {
  pad = await startProgram(['pad', 'simulate', 'modbus-rtu-5-input', '--port', '0'])
})
afterAll(() => pad.stop())

test('identify knows the pad that another process simulates', async () => {
  const found = await identify({
    open: createPortOpener({ clock, path: String(pad.ready['devicePath']) }),
    profiles: [shipped('modbus-rtu-5-input'), shipped('generic-pj06')].map(one => ({ ...one, baudsAllowed: [9600] })),
    listenMs: 20,
    onListen() {},
  })
  expect(found.ok ? found.value[0] : found.error).toMatchObject({
    profile: 'modbus-rtu-5-input',
    confidence: 'high',
  })
})
