import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadProfile } from '#agent/pad/load-profile.ts'

const root = join(import.meta.dirname, '..', '..')
const page = readFileSync(join(root, 'docs', 'wiring-arduino.md'), 'utf8')
const drawing = readFileSync(join(root, 'docs', 'wiring-arduino.svg'), 'utf8')

function board() {
  const loaded = loadProfile(join(root, 'device-profiles', 'arduino-firmata-five'))
  if (!loaded.ok || !loaded.value.board) throw new Error('the profile is no board')
  return loaded.value.board
}

test('whoever wires the Arduino by the page gets what its profile expects', () => {
  const { keys, lamps, buzzer } = board()
  const rows = page.split('\n').flatMap(line => {
    const [, key, , keyPin, lampPin, grade] = line.split('|').map(cell => cell.trim())
    return /^[1-5]$/.test(key ?? '') && /^\d+$/.test(keyPin ?? '') ? [[keyPin, lampPin, grade?.replace(' ', '-')]] : []
  })
  expect(rows).toEqual(keys.map(({ pin, meaning }, i) => [String(pin), String(lamps[i]), meaning]))
  expect(page).toContain(`接引脚 ${buzzer}`)
})

test('every pin of the profile is drawn', () => {
  const { keys, lamps, buzzer } = board()
  const drawn = [...drawing.matchAll(/class="pin">(\d+)</g)].map(([, pin]) => Number(pin))
  expect(drawn.sort((a, b) => a - b)).toEqual([...keys.map(({ pin }) => pin), ...lamps, buzzer!].sort((a, b) => a - b))
})
