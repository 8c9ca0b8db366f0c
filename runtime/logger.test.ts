import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'

test('a log is one JSON object per line on standard output, with name, time and the event', () => {
  const program = `
    import { createLogger } from './runtime/logger.ts'
    const log = createLogger('agent')
    log.info({ delayMs: 5 }, 'link-lost')
    log.debug('unseen')
    log.error({ err: new Error('disk') }, 'journal-failed')
    process.exit(0)`
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' })
  const lines = output
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
  expect(lines).toMatchObject([
    { level: 30, name: 'agent', msg: 'link-lost', delayMs: 5, time: expect.stringMatching(/^\d{4}-.*Z$/) },
    { level: 50, name: 'agent', msg: 'journal-failed', err: { message: 'disk' } },
  ])
})
