import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseYaml } from '#runtime/configuration.ts'
import { readText } from '#runtime/yaml-text.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { AgentConfigurationSchema } from './configuration.ts'
import { configureWindows } from './windows.ts'

const FOUR_KEY = 'profile: generic-rs485-four-key, port: /dev/bus'

/** What becomes of each window, and of its outputs: `ok` or the code of its fault. */
function configure(windows: string, profiles = '') {
  const text = `profiles: "${profiles}"\nwindows:\n${windows}`
  const configuration = parseYaml(text, AgentConfigurationSchema, 'agent.yaml')
  if (!configuration.ok) throw new Error(configuration.error.detail)
  const configured = configureWindows(configuration.value, '/', readText)
  if (!configured.ok) return configured.error.detail
  return configured.value.map(({ window, pad, outputs }) =>
    [window, pad.ok ? 'ok' : pad.error.code, ...outputs.map(one => (one.pad.ok ? 'ok' : one.pad.error.code))].join(' '),
  )
}

describe('what is wrong with one window', () => {
  test('stops no other: an unknown profile, one that is not valid, a site setting it does not have', () => {
    const profiles = temporaryFolder()
    mkdirSync(join(profiles, 'broken'))
    writeFileSync(join(profiles, 'broken', 'profile.yaml'), 'format: 7\n')
    expect(
      configure(
        '  - { window: A01, profile: broken, port: /dev/a }\n  - { window: A02, profile: no-such, port: /dev/b }',
        profiles,
      ),
    ).toEqual(['A01 profile-not-valid', 'A02 profile-unknown'])
    expect(
      configure(
        '  - { window: A01, profile: no-such, port: /dev/a }\n' +
          '  - { window: A02, profile: generic-pj06, port: /dev/b, site: { address: 7 } }\n' +
          '  - { window: A03, profile: generic-pj06, port: /dev/c }',
      ),
    ).toEqual(['A01 profile-unknown', 'A02 profile-not-valid', 'A03 ok'])
  })

  test('is no reason to let two windows have one name', () => {
    expect(
      configure(
        '  - { window: A01, profile: generic-pj06, port: /dev/a }\n  - { window: A01, profile: generic-pj06, port: /dev/b }',
      ),
    ).toContain('A01 is there twice')
  })
})

describe('one line', () => {
  test('carries several pads of one model that have addresses', () => {
    expect(
      configure(`  - { window: A01, ${FOUR_KEY} }\n  - { window: A02, ${FOUR_KEY}, site: { address: 2 } }`),
    ).toEqual(['A01 ok', 'A02 ok'])
  })

  test('does not carry the same address twice', () => {
    expect(
      configure(`  - { window: A01, ${FOUR_KEY} }\n  - { window: A02, ${FOUR_KEY}, site: { address: 1 } }`),
    ).toEqual(['A01 ok', 'A02 address-not-unique'])
  })

  test('does not carry pads of two models, nor two without an address', () => {
    expect(
      configure(
        `  - { window: A01, ${FOUR_KEY} }\n  - { window: A02, profile: generic-pj06, port: /dev/bus }\n` +
          '  - { window: A03, profile: generic-pj06, port: /dev/c }\n  - { window: A04, profile: generic-pj06, port: /dev/c }',
      ),
    ).toEqual(['A01 ok', 'A02 port-not-shareable', 'A03 ok', 'A04 port-not-shareable'])
  })
})

describe('a port that is not stated', () => {
  test('is found by the adapter that the profile knows', () => {
    expect(configure('  - { window: A01, profile: arduino-firmata-five }')).toEqual(['A01 ok'])
  })

  test('has to be stated where the profile knows none, and where two windows would take the same', () => {
    expect(configure('  - { window: A01, profile: generic-pj06 }')).toEqual(['A01 port-not-stated'])
    expect(
      configure(
        '  - { window: A01, profile: arduino-firmata-five }\n  - { window: A02, profile: arduino-firmata-five }',
      ),
    ).toEqual(['A01 ok', 'A02 port-not-shareable'])
  })
})

test('an output stands beside a pad on its own port, and its fault is its own', () => {
  expect(
    configure(
      '  - window: A01\n    profile: generic-pj06\n    port: /dev/a\n    outputs:\n' +
        '      - { profile: syn6288, port: /dev/b }\n      - { profile: generic-pj06, port: /dev/c }\n      - { profile: syn6288, port: /dev/a }',
    ),
  ).toEqual(['A01 ok ok profile-not-fitting port-not-shareable'])
  expect(configure('  - { window: A01, profile: syn6288, port: /dev/a }')).toEqual(['A01 profile-not-fitting'])
})
