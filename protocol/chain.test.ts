import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { disturbed } from '#test/helpers/protocol-arbitraries.ts'
import { CHAIN_START, chainHashes, entryHash } from './chain.ts'
import { isEqual, toHex } from './codec.ts'

const links = fc.record({
  box: fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,31}$/),
  epoch: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER - 1 }),
  previous: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 64 }),
})
type Link = typeof links extends fc.Arbitrary<infer L> ? L : never
const hashOf = (link: Link) => toHex(entryHash(link, link.seq, link.previous, link.bytes))

const flipped = (bytes: Uint8Array) =>
  fc
    .tuple(fc.nat(bytes.length - 1), fc.nat(7))
    .map(([at, bit]) => bytes.map((byte, i) => (i === at ? byte ^ (1 << bit) : byte)))

test('the hash is the formula of the documents, computed another way', () => {
  fc.assert(
    fc.property(links, link => {
      const seq = Buffer.from(link.seq.toString(16).padStart(16, '0'), 'hex')
      const expected = createHash('sha256')
        .update('chuangping entry v1\n')
        .update(Buffer.from([link.box.length]))
        .update(link.box)
        .update(link.epoch)
        .update(seq)
        .update(link.previous)
        .update(link.bytes)
        .digest('hex')
      expect(hashOf(link)).toBe(expected)
    }),
  )
})

const CHANGES: [string, (link: Link) => fc.Arbitrary<Link>][] = [
  [
    'box',
    link => fc.constantFrom(`${link.box}0`, link.box.slice(1), `x${link.box.slice(1)}y`).map(box => ({ ...link, box })),
  ],
  ['epoch', link => flipped(link.epoch).map(epoch => ({ ...link, epoch }))],
  ['number', link => fc.constantFrom(link.seq + 1, link.seq - 1, 2 ** 52).map(seq => ({ ...link, seq }))],
  ['previous hash', link => flipped(link.previous).map(previous => ({ ...link, previous }))],
  ['bytes', link => disturbed(link.bytes).map(bytes => ({ ...link, bytes }))],
]

test.each(CHANGES)('another %s is another hash', (_, change) => {
  const pairs = links.chain(link => fc.tuple(fc.constant(link), change(link)))
  fc.assert(
    fc.property(pairs, ([link, changed]) => {
      fc.pre(changed.seq !== link.seq || changed.box !== link.box || !sameBytes(link, changed))
      expect(hashOf(changed)).not.toBe(hashOf(link))
    }),
  )
})

function sameBytes(a: Link, b: Link): boolean {
  return isEqual(a.epoch, b.epoch) && isEqual(a.previous, b.previous) && isEqual(a.bytes, b.bytes)
}

test('a byte cannot move between box, epoch and the rest without another hash', () => {
  const epoch = new Uint8Array(16).fill(0x61)
  const one = entryHash({ box: 'a', epoch }, 1, CHAIN_START, new Uint8Array([1]))
  const two = entryHash({ box: 'aa', epoch }, 1, CHAIN_START, new Uint8Array([1]))
  expect(toHex(one)).not.toBe(toHex(two))
})

test('hashes of a run are the hashes of its entries one by one, however it is cut', () => {
  const runs = fc.tuple(
    links,
    fc.array(fc.uint8Array({ minLength: 1, maxLength: 9 }), { minLength: 1, maxLength: 8 }),
    fc.nat(7),
  )
  fc.assert(
    fc.property(runs, ([link, entries, cutAt]) => {
      const first = Math.min(link.seq, 2 ** 40)
      const whole = chainHashes(link, first, link.previous, entries)
      const cut = Math.min(cutAt, entries.length - 1)
      const head = chainHashes(link, first, link.previous, entries.slice(0, cut))
      const tail = chainHashes(link, first + cut, head.at(-1) ?? link.previous, entries.slice(cut))
      expect([...head, ...tail].map(toHex)).toEqual(whole.map(toHex))
      expect(toHex(whole[0]!)).toBe(toHex(entryHash(link, first, link.previous, entries[0]!)))
    }),
  )
})

test('an epoch or a previous hash of another length is our own mistake and throws', () => {
  const bytes = new Uint8Array([1])
  for (const length of [0, 15, 17]) {
    expect(() => entryHash({ box: 'a', epoch: new Uint8Array(length) }, 1, CHAIN_START, bytes)).toThrow()
  }
  for (const length of [0, 31, 33]) {
    expect(() => entryHash({ box: 'a', epoch: new Uint8Array(16) }, 1, new Uint8Array(length), bytes)).toThrow()
  }
})

test('before the first entry stand 32 zero bytes', () => {
  expect(toHex(CHAIN_START)).toBe('00'.repeat(32))
})
