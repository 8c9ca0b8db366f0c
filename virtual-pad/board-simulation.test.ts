import { expect, test } from 'vitest'
import { shipped } from '#agent/pad/fixtures/profiles.ts'
import { ok } from '#protocol/result.ts'
import { createBoardSimulation } from './board-simulation.ts'

function simulate(buzzer: number) {
  const profile = shipped('arduino-firmata-five')
  return createBoardSimulation({
    profile,
    board: { ...profile.board!, buzzer },
    clock: { wallMs: () => 0, monoMs: () => 0, after: () => () => {} },
    openLine: () => ok({ devicePath: '/dev/pts/7', write() {}, unplug() {} }),
    garble: bytes => [...bytes],
    devicePath: undefined,
    onChange() {},
  })
}

test('a pin that the simulated Arduino does not have is named', () => {
  expect(simulate(19)).toMatchObject({ ok: true })
  expect(simulate(20)).toMatchObject({ ok: false, error: { code: 'profile-not-simulated' } })
})

test('without its cable no key can be pressed and no byte be sent', () => {
  const simulated = simulate(12)
  if (!simulated.ok) throw new Error(simulated.error.detail)
  expect(simulated.value.press('satisfied')).toMatchObject({ ok: false, error: { code: 'unplugged' } })
  expect(simulated.value.sendRaw('F9')).toMatchObject({ ok: false, error: { code: 'unplugged' } })
  expect(simulated.value.state()).toMatchObject({ plugged: false, shown: { lamp: 'off', sound: 'silent' } })
})
