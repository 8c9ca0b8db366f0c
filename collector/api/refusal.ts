import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { COLLECTOR_PROBLEMS, type CollectorProblemCode, isCollectorProblem } from '#collector/problems.ts'
import { describeErrors, type SchemaError } from '#protocol/schema-errors.ts'
import { languageOfHeader } from '#runtime/language.ts'
import { createProblem, PROBLEM_MEDIA_TYPE } from '#runtime/problem.ts'

/** Says no: an RFC 9457 problem in the reader's language. `detail` is what was found, where, and what is allowed. */
export class Refusal extends Error {
  readonly code: CollectorProblemCode

  constructor(code: CollectorProblemCode, detail = '') {
    super(detail)
    this.code = code
  }
}

/** A fault of a verb as an answer; one that is not in the catalogue is our own bug. */
export function refusalOf(fault: { code: string; detail: string }): Refusal {
  if (!isCollectorProblem(fault.code)) throw new Error(`fault ${fault.code} has no problem: ${fault.detail}`)
  return new Refusal(fault.code, fault.detail)
}

export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  code: CollectorProblemCode,
  detail?: string,
): FastifyReply {
  const language = languageOfHeader(request.headers['accept-language'])
  const problem = createProblem(COLLECTOR_PROBLEMS, code, language, detail || undefined)
  return reply
    .code(problem.status)
    .header('content-language', language === 'zh' ? 'zh-CN' : 'en')
    .type(PROBLEM_MEDIA_TYPE)
    .send(JSON.stringify(problem))
}

const FASTIFY_CODES: Record<string, CollectorProblemCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body-too-big',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'media-type',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'bad-request',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'bad-request',
}

/** Which problem an error of a request is; undefined when it is our own bug. */
export function problemOf(error: FastifyError | Refusal): { code: CollectorProblemCode; detail: string } | undefined {
  if (error instanceof Refusal) return { code: error.code, detail: error.message }
  if (error.validation) {
    const part = error.validationContext ?? 'request'
    return { code: 'bad-request', detail: `${part}: ${describeErrors(error.validation as unknown as SchemaError[])}` }
  }
  const known = FASTIFY_CODES[error.code]
  if (known) return { code: known, detail: error.message }
  // What the client library of the framework says of a request it could not read, JSON included.
  const status = error.statusCode ?? 500
  return status >= 400 && status < 500 ? { code: 'bad-request', detail: malformed(error) } : undefined
}

/** A JSON parser quotes what it found, which may hold a case number. */
function malformed(error: FastifyError): string {
  return error instanceof SyntaxError || error.code === 'FST_ERR_CTP_INVALID_JSON_BODY'
    ? 'the body is not JSON'
    : error.message
}
