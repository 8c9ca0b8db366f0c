import type { Language, Text } from './language.ts'

/** One way a request can be refused: the catalogue of a side lists them all, its documentation too. */
export interface ProblemKind {
  status: number
  title: Text
  /** What the reader can do about it. */
  remedy: Text
}

export type ProblemCatalogue = Readonly<Record<string, ProblemKind>>

/** An RFC 9457 problem. `detail` says what was found, where, and what is allowed. */
export interface Problem {
  type: string
  title: string
  status: number
  code: string
  detail?: string
  remedy: string
}

export const PROBLEM_MEDIA_TYPE = 'application/problem+json'

export function createProblem(catalogue: ProblemCatalogue, code: string, language: Language, detail?: string): Problem {
  const kind = Object.hasOwn(catalogue, code) ? catalogue[code] : undefined
  if (!kind) throw new Error(`problem ${code} is not in the catalogue`)
  return {
    type: `urn:chuangping:problem:${code}`,
    title: kind.title[language],
    status: kind.status,
    code,
    ...(detail ? { detail } : {}),
    remedy: kind.remedy[language],
  }
}
