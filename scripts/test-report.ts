/** What of vitest's JSON report counts. */
export interface TestReport {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  testResults: {
    name: string
    status: string
    message: string
    assertionResults: { status: string; fullName: string; meta?: { skipReason?: string } }[]
  }[]
}

/**
 * The last lines of a test run: each skipped test with its reason, then `N passed, N failed` (`, N skipped`).
 * A file that could not even be loaded counts as one failed, and so does a run whose exit code (`isRunClean`)
 * tells of an error outside every test, of which the report knows nothing.
 */
export function summarise(report: TestReport, isRunClean: boolean): { lines: string[]; isClean: boolean } {
  const unloadable = report.testResults.filter(
    file => file.status === 'failed' && !file.assertionResults.some(test => test.status === 'failed'),
  )
  const counted = report.numFailedTests + unloadable.length
  const failed = counted === 0 && !isRunClean ? 1 : counted
  const skipped = report.numPendingTests + report.numTodoTests
  const reasons = report.testResults.flatMap(file =>
    file.assertionResults
      .filter(test => ['skipped', 'pending', 'todo', 'disabled'].includes(test.status))
      .map(test => `SKIPPED 跳过  ${test.fullName}: ${test.meta?.skipReason ?? 'no reason given'}`),
  )
  const counts = `${report.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
  return { lines: [...reasons, counts], isClean: failed === 0 }
}
