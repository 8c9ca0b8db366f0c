/** The smallest value that at least the share `q` of all values does not exceed (nearest rank). Throws for no values. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new Error('no values, no quantile')
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!
}

/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort()
  return (quantile(values, 0.5) + sorted[Math.floor(sorted.length / 2)]!) / 2
}
