/** Disturbs bytes as a bad line does: some changed, some lost, some from nowhere. The seed decides everything. */
export function createGarbler(seed: number) {
  const random = createRandom(seed)
  return (bytes: Iterable<number>): number[] =>
    [...bytes].flatMap(byte => {
      const kind = random()
      if (kind < 0.15) return [byte ^ (1 << Math.floor(random() * 8))]
      if (kind < 0.25) return []
      if (kind < 0.35) return [byte, Math.floor(random() * 256)]
      return [byte]
    })
}

/** mulberry32, a public-domain generator: the same numbers for the same seed on every machine. */
function createRandom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
