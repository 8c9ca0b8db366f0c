/**
 * Collects what was needed for a moment only, a millisecond or two, so that it is not done while somebody waits.
 * Where the process was not given the means (scripts/box-build/box-start.cjs, `--expose-gc`) nothing happens.
 */
export function collectYoung(): void {
  globalThis.gc?.({ type: 'minor' })
}
