import { createPublicKey } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeBatch, verifyBatch } from '#protocol/batch.ts'
import { CHAIN_START } from '#protocol/chain.ts'
import { toHex } from '#protocol/codec.ts'
import { decodeEntry } from '#protocol/entry.ts'
import { createOpener, sealingContext } from '#protocol/sealing.ts'
import { openingKeys, signingKeys } from '#test/helpers/test-keys.ts'
import { createPaperBox } from './sessions.ts'

const [signing, opening] = [signingKeys(), openingKeys()]
const openingPem = opening.publicKey.export({ type: 'spki', format: 'pem' }).toString()

test('a paper box signs one unbroken chain of prompts and their ratings, however it is cut into batches', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }), async counts => {
      const paper = await createPaperBox('box-1', signing.privateKey, openingPem)
      const prompts: string[] = []
      let last = { seq: 0, hash: CHAIN_START }
      for (const count of counts) {
        const made = await paper.batch(count)
        const batch = decodeBatch(made.bytes)
        if (!batch.ok) throw new Error(batch.error.detail)
        expect([batch.value.first, toHex(batch.value.previous)]).toEqual([last.seq + 1, toHex(last.hash)])
        const hashes = verifyBatch(batch.value, createPublicKey(signing.privateKey))
        if (!hashes.ok) throw new Error(hashes.error.detail)
        last = { seq: made.lastSeq, hash: hashes.value.at(-1)! }
        expect([made.entries, batch.value.entries.length, last.seq - batch.value.first + 1]).toEqual([
          count,
          count,
          count,
        ])
        for (const bytes of batch.value.entries) {
          const entry = decodeEntry(bytes)
          if (!entry.ok || !('prompt' in entry.value.body)) throw new Error('an entry of another kind')
          prompts.push(`${entry.value.kind} ${toHex(entry.value.body.prompt)}`)
        }
      }
      const isOdd = (_: string, i: number) => i % 2 === 1
      const asked = prompts.filter((_, i) => i % 2 === 0).map(prompt => prompt.replace('prompt ', 'rating '))
      expect(prompts.filter(isOdd)).toEqual(asked.slice(0, Math.floor(prompts.length / 2)))
    }),
    { numRuns: 15 },
  )
})

test('the ratings of a paper box open, so that the collector does its whole work', async () => {
  const paper = await createPaperBox('box-1', signing.privateKey, openingPem)
  const batch = decodeBatch((await paper.batch(2)).bytes)
  const rating = batch.ok ? decodeEntry(batch.value.entries[1]!) : batch
  if (!rating.ok || rating.value.kind !== 'rating') throw new Error('the second entry is no rating')
  const opener = await createOpener([opening.privateKey])
  const { sealed, prompt } = rating.value.body
  expect(await opener.open(sealed, sealingContext('box-1', prompt))).toMatchObject({ ok: true })
})
