/**
 * Resolves when every byte that had reached this machine on any serial line by now has been told. A process that was
 * held up finds its timers due and its requests waiting before it looks at the lines, and would take an old press for
 * an answer to a new question. Two turns of the event loop: the first may have asked the kernel before the last byte came.
 */
export function linesRead(): Promise<void> {
  return new Promise(resolve => setImmediate(() => setImmediate(resolve)))
}
