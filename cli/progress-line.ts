/** One line that is written over itself, on a terminal only. */
export interface ProgressLine {
  show(what: string, done: number, total?: number): void
  /** Takes the line away. */
  end(): void
}

const EVERY_MS = 200

export function createProgressLine(stream: NodeJS.WriteStream): ProgressLine {
  let shownMs = Number.NEGATIVE_INFINITY
  let isShown = false
  return {
    show(what, done, total) {
      const nowMs = performance.now()
      if (!stream.isTTY || nowMs - shownMs < EVERY_MS) return
      shownMs = nowMs
      isShown = true
      const share = total ? `  ${Math.min(100, Math.floor((100 * done) / total))} %` : ''
      stream.write(`\r\x1b[2K${what}  ${done.toLocaleString('en')}${share}`)
    },
    end() {
      if (isShown) stream.write('\r\x1b[2K')
    },
  }
}
