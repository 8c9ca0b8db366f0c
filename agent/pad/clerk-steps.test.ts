import { join } from 'node:path'
import { expect, test } from 'vitest'
import { clerkSteps } from './clerk-steps.ts'
import { loadProfile } from './load-profile.ts'
import type { Parameter } from './parameter.ts'
import type { Profile } from './profile.ts'

const loaded = loadProfile(join(import.meta.dirname, '..', '..', 'device-profiles', 'tjc-nextion'))
if (!loaded.ok) throw new Error(loaded.error.detail)
const screen = loaded.value

const digits: Parameter = {
  name: 'number',
  meaning: { zh: '工号', en: 'number' },
  default: null,
  as: 'digits',
  size: 3,
  isLittle: false,
  min: 0,
  max: 999,
  scale: { value: 1, wire: 1 },
  blank: null,
}

/** The screen with other parameters in its two commands for the clerk, or other steps. */
function changed(name: Record<string, Parameter>, number: Record<string, Parameter>): Profile {
  const { commands } = screen
  return {
    ...screen,
    commands: {
      ...commands,
      'clerk-name': { ...commands['clerk-name']!, parameters: name },
      'clerk-number': { ...commands['clerk-number']!, parameters: number },
    },
  }
}

const texts = screen.commands['clerk-name']!.parameters
const told = (profile: Profile, number?: string) =>
  clerkSteps(profile, number).map(step => `${step.command} ${step.with['number'] ?? ''}`.trim())

test('a name that nobody knows is left out where it has a command of its own, and the number never stands for it', () => {
  expect(told(screen, '1007')).toEqual(['clerk-number 1007'])
})

test('a name with a default, and a step that goes with the number, are sent beside it', () => {
  const named = changed({ name: { ...texts['name']!, default: '窗口' } as Parameter }, { number: digits })
  expect(told(named, '107')).toEqual(['clerk-name', 'clerk-number 107'])
  expect(told(changed({}, { number: digits }), '107')).toEqual(['clerk-name', 'clerk-number 107'])
})

test('a number that the pad can only show as another, and cannot show as none, is not sent at all', () => {
  const counting = changed(texts, { number: digits })
  for (const number of ['1007', 'W-17', '']) expect(told(counting, number)).toEqual([])
  expect(told(changed(texts, { number: { ...digits, blank: 10 } }), '1007')).toEqual(['clerk-number'])
})

test('without a number, what was shown before is taken away', () => {
  expect(told(screen)).toEqual(['clerk-number'])
  expect(clerkSteps(screen, undefined)[0]!.with).toEqual({ number: '' })
})
