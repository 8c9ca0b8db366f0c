import { expect, test } from 'vitest'
import { parseYaml } from './configuration.ts'
import { LinkSchema, linkTiming } from './link-settings.ts'

const schema = LinkSchema({ reconnect: '1s', reconnectMax: '60s' })

test('a link that nobody configured connects again as is usual there', () => {
  const read = parseYaml('{}', schema)
  expect(read.ok && linkTiming(read.value)).toEqual({
    retryMsMin: 1_000,
    retryMsMax: 60_000,
    keepaliveMs: 30_000,
    connectMs: 10_000,
  })
})

test('what is configured wins, each setting in its own unit', () => {
  const read = parseYaml('reconnect: 100ms\nreconnectMax: 2min\nkeepalive: 5s\nconnectTimeout: 3s\n', schema)
  expect(read.ok && linkTiming(read.value)).toEqual({
    retryMsMin: 100,
    retryMsMax: 120_000,
    keepaliveMs: 5_000,
    connectMs: 3_000,
  })
})
