import Type from 'typebox'
import { COLLECTOR_PROBLEMS, type CollectorProblemCode } from '#collector/problems.ts'

const ProblemSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String(),
    detail: Type.Optional(Type.String()),
    remedy: Type.String(),
  },
  { title: '问题 Problem (RFC 9457)' },
)

/** The answers an operation may refuse with, for its description. Every one may also be rate limited. */
export function problemResponses(...codes: CollectorProblemCode[]): Record<number, object> {
  const byStatus = Map.groupBy([...codes, 'too-many-requests'] as const, code => COLLECTOR_PROBLEMS[code].status)
  return Object.fromEntries(
    [...byStatus].map(([status, list]) => [
      status,
      {
        description: list.map(code => `${code}: ${COLLECTOR_PROBLEMS[code].title.en}`).join('; '),
        content: { 'application/problem+json': { schema: ProblemSchema } },
      },
    ]),
  )
}
