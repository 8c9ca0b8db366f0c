import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CHAIN_START, chainHashes } from '#protocol/chain.ts'
import { placeBatch } from './continuity.ts'

const chain = { box: 'box-1', epoch: new Uint8Array(16) }

/** A chain of up to twelve entries, how far it is committed, and a batch out of it. */
const situation = fc
  .integer({ min: 1, max: 12 })
  .chain(length =>
    fc.record({
      length: fc.constant(length),
      head: fc.nat(length),
      first: fc.integer({ min: 1, max: length }),
      last: fc.integer({ min: 1, max: length }),
    }),
  )
  .filter(({ first, last }) => first <= last)

test('a batch of the committed chain follows, repeats, or leaves a gap: by its numbers alone', async () => {
  await fc.assert(
    fc.asyncProperty(situation, async ({ length, head, first, last }) => {
      const hashes = [
        CHAIN_START,
        ...chainHashes(
          chain,
          1,
          CHAIN_START,
          Array.from({ length }, () => randomBytes(4)),
        ),
      ]
      const batch = { first, previous: hashes[first - 1]!, hashes: hashes.slice(first, last + 1) }
      const committed = head > 0 ? { seq: head, hash: hashes[head]! } : undefined
      const place = await placeBatch(batch, committed, seq => Promise.resolve(hashes[seq]))
      if (first > head + 1) expect(place).toEqual({ kind: 'gap' })
      else if (last <= head) expect(place).toEqual({ kind: 'replay' })
      else expect(place).toEqual({ kind: 'follows', from: head + 1 - first })
    }),
  )
})

test('a batch of another chain with the same numbers is forked wherever it touches the committed one', async () => {
  await fc.assert(
    fc.asyncProperty(situation, async ({ length, head, first, last }) => {
      fc.pre(head > 0 && first <= head + 1)
      const make = () => [
        CHAIN_START,
        ...chainHashes(
          chain,
          1,
          CHAIN_START,
          Array.from({ length }, () => randomBytes(4)),
        ),
      ]
      const [committed, other] = [make(), make()]
      const batch = { first, previous: other[first - 1]!, hashes: other.slice(first, last + 1) }
      const place = await placeBatch(batch, { seq: head, hash: committed[head]! }, seq =>
        Promise.resolve(committed[seq]),
      )
      expect(place.kind).toBe('forked')
    }),
  )
})
