import { expect, test } from 'vitest'
import { FAULTS } from './faults/all.ts'
import { planRound, planWorld, type RoundPlan } from './plan.ts'

const NAMES = FAULTS.map(({ name }) => name)
const WORLDS = Array.from({ length: 200 }, (_, seed) => planWorld(seed, NAMES))
const roundsOf = (seed: number): RoundPlan[] => Array.from({ length: 50 }, (_, n) => planRound(WORLDS[seed]!, n))

test('the same seed plans the same world and the same rounds', () => {
  expect(planWorld(7, NAMES)).toEqual(WORLDS[7])
  expect(roundsOf(7)).toEqual(roundsOf(7))
  expect(roundsOf(7)).not.toEqual(roundsOf(8))
})

test('a round does not depend on the rounds before it', () => {
  expect(planRound(WORLDS[3]!, 41)).toEqual(roundsOf(3)[41])
})

test('over many seeds there are both brokers, every pad, every load, and every kind of fault both with and without each other', () => {
  expect(new Set(WORLDS.map(({ broker }) => broker)).size).toBe(2)
  expect(new Set(WORLDS.map(({ load }) => load)).size).toBe(3)
  expect(new Set(WORLDS.flatMap(({ boxes }) => boxes.flatMap(box => box.windows.map(w => w.profile)))).size).toBe(2)
  for (const name of NAMES) {
    const share = WORLDS.filter(({ kinds }) => kinds.includes(name)).length / WORLDS.length
    expect(share, name).toBeGreaterThan(0.25)
    expect(share, name).toBeLessThan(0.7)
  }
})

test('several faults strike in one round, some outlast it, and every so often everything must come to rest', () => {
  const rounds = [1, 2, 3, 4].flatMap(roundsOf)
  const faults = rounds.map(({ steps }) => steps.filter(step => step.kind === 'fault'))
  expect(faults.some(list => list.length >= 3)).toBe(true)
  expect(faults.some(list => list.length === 0)).toBe(true)
  expect(faults.flat().some(({ rounds: lasting }) => lasting > 0)).toBe(true)
  const healed = rounds.filter(({ isHealed }) => isHealed).length / rounds.length
  expect(healed).toBeGreaterThan(0.05)
  expect(healed).toBeLessThan(0.25)
})

test('asked for one kind only, a world knows no other', () => {
  expect(planWorld(5, NAMES, ['pad-unplugged']).kinds).toEqual(['pad-unplugged'])
})

test('no world lets a full disk make a box forget what a backup then lacks', () => {
  for (const { kinds } of WORLDS) {
    expect(kinds.includes('agent-disk-full') && kinds.includes('collector-restored')).toBe(false)
  }
})
