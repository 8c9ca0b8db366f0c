import Type from 'typebox'
import { BYTES_PATTERN } from './bytes.ts'

export const closed = { additionalProperties: false }
export const NAME_PATTERN = '^[a-z0-9]+(-[a-z0-9]+)*$'

export const Name = (title?: string) => Type.String({ pattern: NAME_PATTERN, maxLength: 40, ...(title && { title }) })
export const Bytes = (title: string) => Type.String({ title, pattern: BYTES_PATTERN, maxLength: 400 })
export const OneByte = (title: string) => Type.String({ title, pattern: '^[0-9A-Fa-f]{2}$' })
export const TextPair = (title: string) =>
  Type.Object(
    { zh: Type.String({ minLength: 1, maxLength: 200 }), en: Type.String({ minLength: 1, maxLength: 200 }) },
    { ...closed, title },
  )
export const Names = <S extends Type.TSchema>(pattern: string, value: S, title: string) =>
  Type.Record(Type.String({ pattern }), value, { title, propertyNames: { pattern } })

/** How a statement is known, from a pad on a bench down to a guess. */
export const EVIDENCES = ['bench-tested', 'document', 'third-party-code', 'learnt', 'guess'] as const
export type Evidence = (typeof EVIDENCES)[number]
export const EvidenceSchema = Type.Enum([...EVIDENCES], {
  title: '依据 How this is known',
  description:
    'bench-tested: seen on a real pad; document: the maker or a standard says so; third-party-code: somebody else drives it so; ' +
    'learnt: inferred from what a pad sent; guess: assumed. Left out, it is that of the profile.',
})
