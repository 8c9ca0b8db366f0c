import fc from 'fast-check'
import { expect, test } from 'vitest'
import { disturbed } from '#test/helpers/protocol-arbitraries.ts'
import { openingKeys } from '#test/helpers/test-keys.ts'
import { toHex } from './codec.ts'
import { createSuite, importOpeningKeys, importRecipient, openingKeyId, toArrayBuffer } from './hpke.ts'
import { createSealOpener } from './hpke-open.ts'
import { createSealMaker } from './hpke-seal.ts'

const keys = openingKeys()
const suite = createSuite()
const recipientPublicKey = await importRecipient(keys.publicKey)
const recipientKey = (await importOpeningKeys([keys.privateKey])).get(toHex(openingKeyId(keys.publicKey)))!
const bytes = (maxLength: number) => fc.uint8Array({ maxLength, size: 'max' })

/** What the library says of it; undefined when it does not open. */
async function byLibrary(info: Uint8Array, enc: Uint8Array, text: Uint8Array, associated: Uint8Array) {
  try {
    const context = { recipientKey, enc: toArrayBuffer(enc), info: toArrayBuffer(info) }
    const recipient = await suite.createRecipientContext(context)
    return toHex(new Uint8Array(await recipient.open(toArrayBuffer(text), toArrayBuffer(associated))))
  } catch {
    return undefined // Whatever the library throws: it does not open.
  }
}

function byOpenSsl(info: Uint8Array, enc: Uint8Array, text: Uint8Array, associated: Uint8Array) {
  try {
    return toHex(createSealOpener(info).open(keys.privateKey, enc, text, associated))
  } catch {
    return undefined // The same.
  }
}

test('what the library sealed opens, and what was disturbed opens for neither', async () => {
  await fc.assert(
    fc.asyncProperty(bytes(60), bytes(200), bytes(60), fc.gen(), async (info, plain, associated, gen) => {
      const sender = await suite.createSenderContext({ recipientPublicKey, info: toArrayBuffer(info) })
      const text = new Uint8Array(await sender.seal(toArrayBuffer(plain), toArrayBuffer(associated)))
      const enc = new Uint8Array(sender.enc)
      expect(byOpenSsl(info, enc, text, associated)).toBe(toHex(plain))
      const [otherEnc, otherText] = [gen(() => disturbed(enc)), gen(() => disturbed(text))]
      for (const changed of [
        [info, otherEnc, text, associated],
        [info, enc, otherText, associated],
        [info, enc, text, Uint8Array.of(...associated, 0)],
        [Uint8Array.of(...info, 0), enc, text, associated],
      ] as const) {
        expect(byOpenSsl(...changed)).toBe(await byLibrary(...changed))
      }
    }),
    { numRuns: 60 },
  )
})

test('what OpenSSL sealed the library opens, and every message has keys of its own', async () => {
  await fc.assert(
    fc.asyncProperty(bytes(60), bytes(200), bytes(60), async (info, plain, associated) => {
      const seals = createSealMaker(keys.publicKey, info)
      const [one, other] = [seals.prepare()(plain, associated), seals.prepare()(plain, associated)]
      expect(await byLibrary(info, one.enc, one.text, associated)).toBe(toHex(plain))
      expect(await byLibrary(info, other.enc, other.text, associated)).toBe(toHex(plain))
      expect(await byLibrary(info, one.enc, other.text, associated)).toBeUndefined()
      expect(await byLibrary(info, one.enc, one.text, Uint8Array.of(...associated, 0))).toBeUndefined()
    }),
    { numRuns: 60 },
  )
})

test('a prepared seal is good for one message', () => {
  const seal = createSealMaker(keys.publicKey, new Uint8Array()).prepare()
  seal(new Uint8Array(3), new Uint8Array())
  expect(() => seal(new Uint8Array(3), new Uint8Array())).toThrow()
})

test('a ciphertext shorter than its tag, and a point that gives no secret, do not open', () => {
  for (const [enc, text] of [
    [new Uint8Array(32).fill(9), new Uint8Array(15)],
    [new Uint8Array(32), new Uint8Array(16)],
    [new Uint8Array(0), new Uint8Array(16)],
  ] as const) {
    expect(byOpenSsl(new Uint8Array(), enc, text, new Uint8Array())).toBeUndefined()
  }
})

test('the beginning of a tag is no tag', () => {
  const info = new Uint8Array()
  const { enc, text } = createSealMaker(keys.publicKey, info).prepare()(new Uint8Array(), new Uint8Array())
  expect(byOpenSsl(info, enc, text, new Uint8Array())).toBe('')
  for (const length of [4, 8, 12, 15]) {
    expect(byOpenSsl(info, enc, text.subarray(0, length), new Uint8Array())).toBeUndefined()
  }
})
