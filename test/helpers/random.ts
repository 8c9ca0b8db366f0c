/** Numbers that look random and are the same in every run (mulberry32), uniform in [0, 1). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Puts the items of an array in random order, in place (Fisher-Yates). */
export function shuffle<A extends unknown[] | Uint8Array>(items: A, random: () => number): A {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const held = items[last]
    items[last] = items[other]!
    items[other] = held as (typeof items)[number]
  }
  return items
}
