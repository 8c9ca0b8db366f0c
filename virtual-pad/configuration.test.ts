import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadYaml, overridesFromEnvironment } from '#runtime/configuration.ts'
import { VIRTUAL_PAD_ENVIRONMENT_PREFIX, VirtualPadConfigurationSchema } from './configuration.ts'

const example = join(import.meta.dirname, 'virtual-pad.example.yaml')

test('the example is a valid configuration, and the environment wins over it', () => {
  const env = { CHUANGPING_VIRTUAL_PAD_PORT: '0', CHUANGPING_VIRTUAL_PAD_LINE_ECHOES: 'true' }
  const overrides = overridesFromEnvironment(VirtualPadConfigurationSchema, VIRTUAL_PAD_ENVIRONMENT_PREFIX, env)
  const loaded = loadYaml(example, VirtualPadConfigurationSchema, overrides)
  expect(loaded).toMatchObject({ ok: true, value: { profile: 'generic-pj06', port: 0, lineEchoes: true, seed: 1 } })
})
