/** Randomness that one number decides (mulberry32), for worlds that can be run again. */
export interface SeededRandom {
  chance(probability: number): boolean
  /** A whole number from 0 to `bound` - 1. */
  below(bound: number): number
  pick<T>(from: readonly T[]): T
}

export function createSeededRandom(seed: number): SeededRandom {
  let state = seed >>> 0
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (bound: number) => Math.floor(next() * bound)
  return { below, chance: probability => next() < probability, pick: from => from[below(from.length)]! }
}
