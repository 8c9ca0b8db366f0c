import type { Reporter, TestCase } from 'vitest/node'

/** Puts the reason given to `context.skip(reason)` where the JSON report shows it. */
export default class SkipReasons implements Reporter {
  onTestCaseResult(test: TestCase): void {
    const result = test.result()
    if (result.state === 'skipped' && result.note) Object.assign(test.meta(), { skipReason: result.note })
  }
}
