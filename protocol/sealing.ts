import { createPublicKey, type KeyObject } from 'node:crypto'
import Type from 'typebox'
import { createWireForm, toHex } from './codec.ts'
import type { Sealed } from './entry.ts'
import { GRADES, type Grade, GradeSchema } from './grades.ts'
import { importOpeningKeys, openingKeyId } from './hpke.ts'
import { createSealOpener } from './hpke-open.ts'
import { createSealMaker } from './hpke-seal.ts'
import { fail, type Result } from './result.ts'
import { rule } from './rules.ts'

export { openingKeyId } from './hpke.ts'

/**
 * Blind capture: what the citizen said is sealed on the box to the collector's opening key, HPKE base
 * mode (RFC 9180: X25519, HKDF-SHA256, AES-256-GCM). The box cannot read back what it wrote.
 * The plaintext is padded to one length per provenance, never by content, so the length tells nothing.
 */

/** Together with the most tags this fits the padding of a screen; a test counts it. 500 Chinese characters. */
export const WORDS_BYTES_MAX = 1500

const WordsSchema = Type.Refine(
  Type.Refine(
    Type.String({ title: '评价意见 Words', minLength: 1, maxLength: WORDS_BYTES_MAX }),
    rule('utf8-bytes-max', WORDS_BYTES_MAX),
    () => `must have at most ${WORDS_BYTES_MAX} bytes of UTF-8`,
  ),
  // Line breaks and emoji are a citizen's good right; what has no UTF-8 or is eaten by readers (a leading
  // byte order mark) would make a sealed rating that nobody can open again.
  rule('plain-text'),
  () => 'must have no control characters but line breaks',
)

export const RatingTextSchema = Type.Object(
  {
    grade: GradeSchema,
    tags: Type.Optional(
      Type.Array(Type.String({ title: '测评指标 Tag', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,15}$' }), {
        minItems: 1,
        maxItems: 20,
      }),
    ),
    words: Type.Optional(WordsSchema),
  },
  { additionalProperties: false, title: '评价内容 Rating text' },
)
/** What a citizen said: only ever in memory between press and seal, and behind the collector's opening key. */
export type RatingText = Type.Static<typeof RatingTextSchema>

/** Bytes of padded plaintext. A key pad says a grade only; a screen may add tags and words. */
export const PADDED_BYTES = { pad: 48, screen: 2048 } as const

const INFO = new TextEncoder().encode('chuangping rating v1')
const wireForm = createWireForm('rating text', RatingTextSchema)

/** Binds a sealed rating to its place: the same bytes under another box or prompt do not open. */
export function sealingContext(box: string, prompt: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${box}\n`), prompt])
}

/** One use: the costly key agreement is done; `seal` is what remains between press and disk. */
export interface PreparedSeal {
  seal(text: RatingText, provenance: keyof typeof PADDED_BYTES, context: Uint8Array): Promise<Sealed>
}

/** What a key pad's press can become, sealed before anybody pressed. Good once, for one prompt. */
export interface SealedGrades {
  /** The sealed rating of this grade. */
  of(grade: Grade): Sealed
  /** Wipes all of them: nothing in memory says any more which grade the stored bytes are of. */
  forget(): void
}

/** Seals to one opening key. */
export interface Sealer {
  /** Does the key agreement ahead of a rating whose text is not known yet. */
  prepare(): Promise<PreparedSeal>
  /** Seals every grade ahead of the press, so that no cryptography stands between press and disk, for any grade. */
  sealGrades(provenance: keyof typeof PADDED_BYTES, context: Uint8Array): Promise<SealedGrades>
}

/** Rejects when the key cannot be sealed to. */
export const createSealer = (publicKey: KeyObject): Promise<Sealer> =>
  new Promise(resolve => resolve(sealerOf(publicKey)))

function sealerOf(publicKey: KeyObject): Sealer {
  const key = openingKeyId(publicKey)
  const seals = createSealMaker(publicKey, INFO)

  function prepare(): { seal(...message: Parameters<PreparedSeal['seal']>): Sealed } {
    const seal = seals.prepare()
    let isUsed = false
    return {
      seal(text, provenance, context) {
        if (isUsed) throw new Error('a prepared seal is good for one rating')
        isUsed = true
        const padded = pad(wireForm.encode(text), PADDED_BYTES[provenance])
        const sealed = seal(padded, context)
        padded.fill(0)
        return { key, ...sealed }
      },
    }
  }

  function sealGrades(...[provenance, context]: Parameters<Sealer['sealGrades']>): SealedGrades {
    const sealed = new Map(GRADES.map(grade => [grade, prepare().seal({ grade }, provenance, context)]))
    return {
      of(grade) {
        const one = sealed.get(grade)
        if (!one) throw new Error('sealed grades are good for one rating')
        return one
      },
      forget() {
        for (const { enc, text } of sealed.values()) {
          enc.fill(0)
          text.fill(0)
        }
        sealed.clear()
      },
    }
  }

  return {
    prepare: () =>
      new Promise(resolve => {
        const prepared = prepare()
        resolve({ seal: (...message) => new Promise(done => done(prepared.seal(...message))) })
      }),
    sealGrades: (...prompt) => new Promise(resolve => resolve(sealGrades(...prompt))),
  }
}

/** Opens ratings. Holds the collector's opening keys, the present one and the retired ones. */
export interface Opener {
  /** The private key of this id, if it is one of them. */
  keyOf(id: Uint8Array): CryptoKey | undefined
  open(sealed: Sealed, context: Uint8Array): Result<RatingText>
}

export async function createOpener(privateKeys: readonly KeyObject[]): Promise<Opener> {
  const sealOpener = createSealOpener(INFO)
  const imported = await importOpeningKeys(privateKeys)
  const keys = new Map(privateKeys.map(key => [toHex(openingKeyId(createPublicKey(key))), key]))
  return {
    keyOf: id => imported.get(toHex(id)),
    open(sealed, context) {
      const id = toHex(sealed.key)
      const key = keys.get(id)
      if (!key) return fail('unknown-opening-key', `sealed to key ${id}, which this collector does not hold`)
      let padded: Uint8Array
      try {
        padded = sealOpener.open(key, sealed.enc, sealed.text, context)
      } catch {
        // OpenSSL throws for every cause alike; the cause is never more than this.
        return fail('does-not-open', 'the sealed rating was changed, or belongs to another box or prompt')
      }
      const text = unpad(padded)
      return text ? wireForm.decode(text) : fail('not-decodable', 'the sealed rating has a wrong padding')
    },
  }
}

/** Length as two bytes, the text, zeros. */
function pad(text: Uint8Array, length: number): Uint8Array {
  if (text.length + 2 > length) throw new Error(`rating text has ${text.length} bytes, at most ${length - 2} fit`)
  const padded = Buffer.alloc(length)
  padded.writeUInt16BE(text.length)
  padded.set(text, 2)
  return padded
}

function unpad(padded: Uint8Array): Uint8Array | undefined {
  const length = padded.length < 2 ? Number.POSITIVE_INFINITY : (padded[0]! << 8) | padded[1]!
  if (length > padded.length - 2 || padded.subarray(2 + length).some(byte => byte !== 0)) return undefined
  return padded.slice(2, 2 + length)
}
