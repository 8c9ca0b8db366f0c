import { execFileSync, spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { createEventLog, type EventLog } from './event-log.ts'
import { createLogger } from './logger.ts'

const lines: string[] = []
const read = () => lines.splice(0).map(line => JSON.parse(line))

test('a line says what pino would say, so that its tools read it', () => {
  const program = `
    import { createLogger } from './runtime/logger.ts'
    import { createEventLog } from './runtime/event-log.ts'
    for (const log of [createLogger('agent', 'info'), createEventLog('agent', 'info')]) {
      log.info({ delayMs: 5, 窗口: 'A01', none: undefined }, 'link-lost')
      log.debug({ a: 1 }, 'unseen')
      log.fatal('agent-stopped')
    }`
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' })
  const told = output.trimEnd().split('\n')
  expect(told).toHaveLength(4)
  const shape = (line: string) => line.replace(/"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/, '"time":0')
  expect(told.slice(2).map(shape)).toEqual(told.slice(0, 2).map(shape))
})

test('only what is at least of the level is told', () => {
  const log = createEventLog('agent', 'warn', line => lines.push(line))
  log.info('unseen')
  log.warn({ afterMs: 3 }, 'link-lost')
  expect(read()).toMatchObject([{ level: 40, msg: 'link-lost', afterMs: 3 }])
  const silent = createEventLog('agent', 'silent', line => lines.push(line))
  silent.fatal('unseen')
  expect(read()).toEqual([])
})

test('a reader that went away does not end the program', () => {
  const program = `
    import { createEventLog } from './runtime/event-log.ts'
    const log = createEventLog('agent', 'info')
    for (let i = 0; i < 2000; i++) log.info({ filler: 'x'.repeat(100) }, 'told')
    process.stderr.write('went on')`
  const node = `"${process.execPath}" --input-type=module --eval "$PROGRAM"`
  const { stderr } = spawnSync('sh', ['-c', `${node} | head -c 10 > /dev/null`], {
    encoding: 'utf8',
    env: { ...process.env, PROGRAM: program },
  })
  expect(stderr).toBe('went on')
})

test('pino fits where an event log is wanted', () => {
  const log: EventLog = createLogger('test', 'silent')
  log.info('unseen')
})
