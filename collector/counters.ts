/** How often things happened, since the start. Repetitions are counted here, not logged. */
export interface Counters {
  add(name: string, reason?: string, by?: number): void
  values(): Record<string, number>
}

export function createCounters(): Counters {
  const counts = new Map<string, number>()
  return {
    add(name, reason = '', by = 1) {
      if (by === 0) return
      const key = reason ? `${name}.${reason}` : name
      counts.set(key, (counts.get(key) ?? 0) + by)
    },
    values: () => Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
  }
}
