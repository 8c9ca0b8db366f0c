import { expect, test } from 'vitest'
import { createPadCodec, type PadCodec } from '#agent/pad/codec.ts'
import { fixtureFolders, shipped } from '#agent/pad/fixtures/profiles.ts'
import { allProfileFolders } from '#virtual-pad/profile-folder.ts'
import { fuzzProfile, speakingIn } from './fuzz-pads.ts'

const profiles = [...allProfileFolders(), ...fixtureFolders].flatMap(speakingIn)

test('every profile bears frames that a line has damaged: no byte is lost, none is kept too long', () => {
  for (const profile of profiles) {
    const { frames, bytes, trouble } = fuzzProfile(profile, { frames: 400, seed: 20 })
    expect(trouble).toBeNull()
    expect(frames).toBe(400)
    expect(bytes).toBeGreaterThan(400)
  }
})

test('a codec that loses a byte, keeps too many, throws or goes deaf is noticed', () => {
  const troubleWith = (spoil: (codec: PadCodec) => Partial<PadCodec>) =>
    fuzzProfile(shipped('generic-rs485-four-key'), { frames: 500, seed: 3 }, profile => {
      const codec = createPadCodec(profile)
      return { ...codec, ...spoil(codec) }
    }).trouble
  const losing = troubleWith(codec => ({ receive: (bytes, isArmed) => codec.receive(bytes.subarray(1), isArmed) }))
  expect(losing).toMatch(/^generic-rs485-four-key, seed 3, frame \d+: .*bytes came, \d+ are known$/)
  expect(troubleWith(codec => ({ pendingBytes: () => codec.pendingBytes() + 5000 }))).toMatch(/the longest frame has/)
  expect(troubleWith(codec => ({ silence: () => codec.silence().slice(1) }))).toMatch(/were given back$/)
  const deaf = troubleWith(({ receive }) => ({
    receive: (...args) => receive(...args).map(({ bytes }) => ({ kind: 'garbage', bytes, reason: 'no-start' })),
  }))
  expect(deaf).toMatch(/is not heard any more$/)
})

test('the same seed sends the same bytes, another seed others', () => {
  const bytes = (seed: number) => fuzzProfile(shipped('dwin-dgus2'), { frames: 200, seed }).bytes
  expect(bytes(1)).toBe(bytes(1))
  expect(bytes(1)).not.toBe(bytes(2))
})
