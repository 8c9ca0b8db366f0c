import { createPublicKey } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { disturbed, valuesOf } from '#test/helpers/protocol-arbitraries.ts'
import { openingKeys, signingKeys } from '#test/helpers/test-keys.ts'
import { fromHex, isEqual, toHex } from './codec.ts'
import { GRADES } from './grades.ts'
import {
  createOpener,
  createSealer,
  openingKeyId,
  PADDED_BYTES,
  type RatingText,
  RatingTextSchema,
  sealingContext,
  WORDS_BYTES_MAX,
} from './sealing.ts'

const keys = openingKeys()
const sealer = await createSealer(keys.publicKey)
const opener = await createOpener([keys.privateKey])
const PROMPT = new Uint8Array(16).fill(4)
const CONTEXT = sealingContext('box-1', PROMPT)

async function seal(text: RatingText, provenance: 'pad' | 'screen' = 'screen', context = CONTEXT) {
  return (await sealer.prepare()).seal(text, provenance, context)
}

test('what was said comes back to the holder of the opening key, whole', async () => {
  await fc.assert(
    fc.asyncProperty(valuesOf(RatingTextSchema), async text => {
      expect(await opener.open(await seal(text), CONTEXT)).toEqual({ ok: true, value: text })
    }),
    { numRuns: 50 },
  )
})

describe('the length tells nothing', () => {
  test.each(['pad', 'screen'] as const)('on a %s every grade has the same one', async provenance => {
    for (const grade of GRADES) {
      const sealed = await seal({ grade }, provenance)
      expect(sealed.text.length).toBe(PADDED_BYTES[provenance] + 16)
      expect([sealed.enc.length, sealed.key.length]).toEqual([32, 8])
    }
  })

  test('on a screen also the longest words with the most tags', async () => {
    const longest: RatingText = {
      grade: 'very-dissatisfied',
      tags: Array.from({ length: 20 }, () => 'T'.repeat(16)),
      words: '窗'.repeat(WORDS_BYTES_MAX / 3),
    }
    const sealed = await seal(longest)
    expect(sealed.text.length).toBe(PADDED_BYTES.screen + 16)
    expect(await opener.open(sealed, CONTEXT)).toEqual({ ok: true, value: longest })
  })
})

test('the same grade sealed twice shares no bytes but the id of the key', async () => {
  const [one, two] = [await seal({ grade: 'satisfied' }), await seal({ grade: 'satisfied' })]
  expect(toHex(one.enc)).not.toBe(toHex(two.enc))
  expect(toHex(one.text)).not.toBe(toHex(two.text))
  expect(toHex(one.key)).toBe(toHex(two.key))
})

test('what is sealed holds no readable grade', async () => {
  for (const grade of GRADES) {
    const { enc, text } = await seal({ grade }, 'pad')
    expect(Buffer.concat([enc, text]).includes(grade)).toBe(false)
  }
})

test('a prepared seal is good for one rating', async () => {
  const prepared = await sealer.prepare()
  await prepared.seal({ grade: 'satisfied' }, 'pad', CONTEXT)
  await expect(prepared.seal({ grade: 'satisfied' }, 'pad', CONTEXT)).rejects.toThrow('good for one rating')
})

describe('a sealed rating does not open', () => {
  test('under another prompt or another box', async () => {
    const sealed = await seal({ grade: 'satisfied' })
    for (const context of [
      sealingContext('box-1', new Uint8Array(16).fill(5)),
      sealingContext('box-2', PROMPT),
      sealingContext('box-1\n', PROMPT),
      new Uint8Array(),
    ]) {
      expect(await opener.open(sealed, context)).toMatchObject({ ok: false, error: { code: 'does-not-open' } })
    }
  })

  test('with another key, even one that is said to be the right one', async () => {
    const sealed = await seal({ grade: 'satisfied' })
    const other = openingKeys()
    const stranger = await createOpener([other.privateKey])
    expect(await stranger.open(sealed, CONTEXT)).toMatchObject({ ok: false, error: { code: 'unknown-opening-key' } })
    const relabelled = { ...sealed, key: openingKeyId(other.publicKey) }
    expect(await stranger.open(relabelled, CONTEXT)).toMatchObject({ ok: false, error: { code: 'does-not-open' } })
  })

  test('once a byte of it was disturbed', async () => {
    const sealed = await seal({ grade: 'satisfied' }, 'pad')
    const changes = fc.oneof(
      disturbed(sealed.text).map(text => ({ ...sealed, text })),
      disturbed(sealed.enc).map(enc => ({ ...sealed, enc })),
    )
    await fc.assert(
      fc.asyncProperty(changes, async changed => {
        fc.pre(!isEqual(changed.text, sealed.text) || !isEqual(changed.enc, sealed.enc))
        expect(await opener.open(changed, CONTEXT)).toMatchObject({ ok: false, error: { code: 'does-not-open' } })
      }),
      { numRuns: 60 },
    )
  })

  test('when its point is of small order, which would make the secret known to everybody', async () => {
    const sealed = await seal({ grade: 'satisfied' })
    for (const hex of ['00'.repeat(32), `01${'00'.repeat(31)}`]) {
      const changed = { ...sealed, enc: fromHex(hex) }
      expect(await opener.open(changed, CONTEXT)).toMatchObject({ ok: false, error: { code: 'does-not-open' } })
    }
  })

  test('and the reason never holds what was said', async () => {
    const result = await opener.open(await seal({ grade: 'very-dissatisfied' }), sealingContext('box-2', PROMPT))
    expect(JSON.stringify(result)).not.toContain('satisfied')
  })
})

test('ratings sealed to a retired key still open beside those to the new one', async () => {
  const next = openingKeys()
  const both = await createOpener([next.privateKey, keys.privateKey])
  const old = await seal({ grade: 'satisfied' })
  const fresh = await (await (await createSealer(next.publicKey)).prepare()).seal(
    { grade: 'dissatisfied' },
    'pad',
    CONTEXT,
  )
  expect(await both.open(old, CONTEXT)).toEqual({ ok: true, value: { grade: 'satisfied' } })
  expect(await both.open(fresh, CONTEXT)).toEqual({ ok: true, value: { grade: 'dissatisfied' } })
})

test('the id of a key is the same from either half, and of another key another', () => {
  expect(toHex(openingKeyId(createPublicKey(keys.privateKey)))).toBe(toHex(openingKeyId(keys.publicKey)))
  expect(toHex(openingKeyId(openingKeys().publicKey))).not.toBe(toHex(openingKeyId(keys.publicKey)))
})

test('a key of another kind is refused at start', async () => {
  await expect(createSealer(signingKeys().publicKey)).rejects.toThrow('must be an X25519 key')
  await expect(createOpener([keys.publicKey])).rejects.toThrow('must be an X25519 private key')
})

describe('words a citizen may write', () => {
  const words = (text: string) => seal({ grade: 'satisfied', words: text })
  test.each(['好', 'line\nbreak', '👨‍👩‍👧 ❤️', '窗'.repeat(500), 'a'.repeat(1500)])(
    '%j are kept as written',
    async text => {
      expect(await opener.open(await words(text), CONTEXT)).toEqual({
        ok: true,
        value: { grade: 'satisfied', words: text },
      })
    },
  )

  test.each([
    ['longer than their bytes', '窗'.repeat(501)],
    ['with half a surrogate pair', 'a\ud800'],
    ['with a byte order mark, which readers would eat', '\ufeffa'],
    ['with a NUL', 'a\0'],
    ['with an escape', '\u001b[2J'],
    ['that are none', ''],
  ])('%s are refused before anything is sealed', async (_, text) => {
    await expect(words(text)).rejects.toThrow('/words must')
  })
})

describe('grades sealed ahead of the press', () => {
  test('open to what was pressed, each under a key of its own and of one length', async () => {
    const sealed = await sealer.sealGrades('pad', CONTEXT)
    for (const grade of GRADES) {
      expect(await opener.open(sealed.of(grade), CONTEXT)).toEqual({ ok: true, value: { grade } })
    }
    expect(new Set(GRADES.map(grade => toHex(sealed.of(grade).enc))).size).toBe(GRADES.length)
    expect(new Set(GRADES.map(grade => sealed.of(grade).text.length)).size).toBe(1)
  })

  test('are good for one rating: forgotten, nothing of them is left in memory', async () => {
    const sealed = await sealer.sealGrades('pad', CONTEXT)
    const one = sealed.of('dissatisfied')
    sealed.forget()
    expect(one.text.every(byte => byte === 0) && one.enc.every(byte => byte === 0)).toBe(true)
    expect(() => sealed.of('dissatisfied')).toThrow()
  })
})
