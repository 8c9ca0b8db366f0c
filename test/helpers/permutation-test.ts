import { createRandom, shuffle } from './random.ts'

/** How probable a difference as big as the one seen is, when the groups do not matter. */
export interface Difference {
  /** Of the two medians furthest apart. */
  medians: number
  /** Of the two means furthest apart. */
  means: number
}

/**
 * A permutation test over groups of measured values: the labels are shuffled `rounds` times, and the greatest
 * difference between any two groups is compared with the one seen. It assumes nothing about the values but that
 * the labels were given at random, and being over the greatest of all pairs it needs no correction for their number.
 */
export function permutationTest(values: readonly number[], groups: readonly number[], rounds: number): Difference {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!)
  const sorted = Float64Array.from(order, i => values[i]!)
  const labels = Uint8Array.from(order, i => groups[i]!)
  const counts: number[] = []
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1
  const seen = spread(sorted, labels, counts)
  const random = createRandom(20261124)
  const asBig = { medians: 0, means: 0 }
  for (let round = 0; round < rounds; round++) {
    const { medians, means } = spread(sorted, shuffle(labels, random), counts)
    if (medians >= seen.medians) asBig.medians += 1
    if (means >= seen.means) asBig.means += 1
  }
  return { medians: (asBig.medians + 1) / (rounds + 1), means: (asBig.means + 1) / (rounds + 1) }
}

/** Greatest difference of medians and of means between any two groups. `sorted` ascends, so one pass finds the medians. */
function spread(sorted: Float64Array, labels: Uint8Array, counts: readonly number[]) {
  const sums = new Float64Array(counts.length)
  const passed = new Uint32Array(counts.length)
  const medians = new Float64Array(counts.length)
  for (let i = 0; i < sorted.length; i++) {
    const label = labels[i]!
    sums[label]! += sorted[i]!
    passed[label]! += 1
    if (passed[label] === (counts[label]! + 1) >> 1) medians[label] = sorted[i]!
  }
  const means = sums.map((sum, label) => sum / counts[label]!)
  return { medians: range(medians), means: range(means) }
}

const range = (values: Float64Array) => Math.max(...values) - Math.min(...values)
