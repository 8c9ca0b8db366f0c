import { expect, test } from 'vitest'
import { createPadCodec } from '#agent/pad/codec.ts'
import { exampleFrames } from '#agent/pad/examples.ts'
import { loadProfile } from '#agent/pad/load-profile.ts'
import { addressOf } from '#agent/pad/profile.ts'
import { allProfileFolders } from '#virtual-pad/profile-folder.ts'
import { createRandom } from './fixtures/random-pad.ts'
import { rank, weigh } from './identify.ts'
import { harmlessQuery } from './identify-live.ts'

const profiles = allProfileFolders().flatMap(folder => {
  const loaded = loadProfile(folder)
  return loaded.ok && loaded.value.kind === 'pad' ? [loaded.value] : []
})
const speakers = profiles.filter(profile =>
  exampleFrames(profile, addressOf(profile)).some(({ isUnasked }) => isUnasked),
)

test.each(speakers.map(profile => [profile.id, profile] as const))(
  '%s is known by what it says unasked',
  (_, profile) => {
    const frames = exampleFrames(profile, addressOf(profile)).filter(({ isUnasked }) => isUnasked)
    const heard = frames.map(({ bytes }, i) => ({ atMs: i * 500, bytes }))
    const [best] = rank(profiles.map(one => weigh(one, heard)))
    expect(best).toMatchObject({ profile: profile.id, garbageBytes: 0 })
    expect(best!.confidence).toBe(profile.id === 'generic-pj06' ? 'low' : 'high')
  },
)

test('a polled module is known by its answer to its own harmless query', () => {
  const profile = profiles.find(({ id }) => id === 'modbus-rtu-5-input')!
  const command = harmlessQuery(profile)!
  expect(createPadCodec(profile).single(command).bytes.length).toBeGreaterThan(0)
  const answer = exampleFrames(profile, 1).find(({ rule }) => rule.gives === 'keys')!.bytes
  const asked = { command, answer: [{ atMs: 0, bytes: answer }] }
  expect(weigh(profile, [], asked)).toMatchObject({ answered: command, confidence: 'high' })
  expect(weigh(profile, [{ atMs: 0, bytes: answer }])).toMatchObject({ answered: null, confidence: 'none' })
})

test('noise is never more than possible', () => {
  const random = createRandom(9)
  const heard = Array.from({ length: 60 }, (_, i) => ({
    atMs: i * 90,
    bytes: Uint8Array.from({ length: 7 }, () => random() * 256),
  }))
  for (const profile of profiles) expect(['low', 'none']).toContain(weigh(profile, heard).confidence)
})
