/** Named counts since the process started: repetitions are counted, not logged. */
export interface Counters {
  add(name: string, by?: number): void
  all(): Record<string, number>
}

export function createCounters(): Counters {
  const counts = new Map<string, number>()
  return {
    add: (name, by = 1) => void counts.set(name, (counts.get(name) ?? 0) + by),
    all: () => Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
  }
}
