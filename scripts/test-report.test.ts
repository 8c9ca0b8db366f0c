import { expect, test } from 'vitest'
import { summarise, type TestReport } from './test-report.ts'

function reportOf(files: TestReport['testResults']): TestReport {
  const tests = files.flatMap(file => file.assertionResults)
  const count = (status: string) => tests.filter(test => test.status === status).length
  return {
    numPassedTests: count('passed'),
    numFailedTests: count('failed'),
    numPendingTests: count('skipped'),
    numTodoTests: count('todo'),
    testResults: files,
  }
}

const passed = { status: 'passed', fullName: 'a press is kept' }
const failed = { status: 'failed', fullName: 'a receipt frees an entry' }
const skipped = { status: 'skipped', fullName: 'a broker', meta: { skipReason: 'mosquitto is not installed' } }
const file = (status: string, assertionResults: TestReport['testResults'][0]['assertionResults']) => ({
  name: 'some.test.ts',
  status,
  message: '',
  assertionResults,
})

test('the last line counts what passed and what failed', () => {
  const { lines, isClean } = summarise(reportOf([file('passed', [passed, passed])]), true)
  expect({ lines, isClean }).toEqual({ lines: ['2 passed, 0 failed'], isClean: true })
  expect(summarise(reportOf([file('failed', [passed, failed])]), false)).toEqual({
    lines: ['1 passed, 1 failed'],
    isClean: false,
  })
})

test('a skipped test is told with its reason, before the counts', () => {
  const { lines } = summarise(reportOf([file('passed', [passed, skipped])]), true)
  expect(lines).toEqual(['SKIPPED 跳过  a broker: mosquitto is not installed', '1 passed, 0 failed, 1 skipped'])
})

test('a file that could not be loaded, and a run that failed outside every test, never look like success', () => {
  const unloadable = summarise(reportOf([file('failed', [passed, failed]), file('failed', [])]), false)
  expect(unloadable).toEqual({ lines: ['1 passed, 2 failed'], isClean: false })
  const unhandled = summarise(reportOf([file('passed', [passed])]), false)
  expect(unhandled).toEqual({ lines: ['1 passed, 1 failed'], isClean: false })
  expect(summarise(reportOf([]), false).lines).toEqual(['0 passed, 1 failed'])
})
