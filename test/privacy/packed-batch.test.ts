import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { PACKED_ENTRIES_MIN, packBatch, signBatch } from '#protocol/batch.ts'
import { CHAIN_START, chainHashes } from '#protocol/chain.ts'
import { encodeEntry, type Sealed } from '#protocol/entry.ts'
import { GRADES, type Grade } from '#protocol/grades.ts'
import { createSealer, sealingContext } from '#protocol/sealing.ts'
import { permutationTest } from '#test/helpers/permutation-test.ts'

const BOX = 'box-1'
const EPOCH = new Uint8Array(16).fill(7)
const TIME = { boot: new Uint8Array(16).fill(5), mono: 1_000_000, wall: 1_790_000_000_000, synced: true }
const BATCHES_PER_GRADE = 30
/** How often chance alone may fail a run of this file; two figures are compared. */
const ALPHA_EACH = 1e-4 / 2
const ROUNDS = 30_000

type Seal = (grade: Grade) => Promise<Sealed>

/** Many batches in which all citizens said the same, and nothing else differs between them but what is sealed. */
async function compareLengths(seal: Seal) {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const groups = Array.from({ length: BATCHES_PER_GRADE * GRADES.length }, (_, i) => i % GRADES.length)
  const lengths: number[] = []
  for (const group of groups) {
    const ratings = await Promise.all(Array.from({ length: PACKED_ENTRIES_MIN }, () => seal(GRADES[group]!)))
    const entries = ratings.map((sealed, n) => {
      const body = { prompt: new Uint8Array(16).fill(n), provenance: 'pad', sealed } as const
      return encodeEntry({ kind: 'rating', time: TIME, body })
    })
    const unsigned = {
      version: 1,
      box: BOX,
      epoch: EPOCH,
      first: 1,
      previous: CHAIN_START,
      entries,
      newest: 99,
    } as const
    const batch = signBatch(unsigned, chainHashes(unsigned, 1, CHAIN_START, entries).at(-1)!, privateKey)
    lengths.push(packBatch(batch).length)
  }
  return permutationTest(lengths, groups, ROUNDS)
}

test('the length of a packed batch does not tell what its citizens said', async () => {
  const sealer = await createSealer(generateKeyPairSync('x25519').publicKey)
  const seal: Seal = async grade => (await sealer.prepare()).seal({ grade }, 'pad', sealingContext(BOX, EPOCH))
  const { means, medians } = await compareLengths(seal)
  expect(means).toBeGreaterThan(ALPHA_EACH)
  expect(medians).toBeGreaterThan(ALPHA_EACH)
})

test('the same comparison finds grades that are not sealed', async () => {
  const text = (grade: Grade) => Buffer.from(grade.padEnd(64))
  const bare: Seal = grade => Promise.resolve({ key: new Uint8Array(8), enc: randomBytes(32), text: text(grade) })
  expect((await compareLengths(bare)).means).toBeLessThanOrEqual(ALPHA_EACH)
})
