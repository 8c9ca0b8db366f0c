import type { IncomingMessage } from 'node:http'
import type { SchemaCheck } from '#protocol/check.ts'
import { fail, ok, type Result } from '#protocol/result.ts'

export type BodyFault = { code: 'bad-request' | 'body-too-big'; detail: string }

const BODY_BYTES_MAX = 16 * 1024
/** What is too big is still read to here, so that its sender gets to see the answer; then the line is cut. */
const DROPPED_BYTES_MAX = 1024 * 1024

/** Reads a JSON body against its schema; the refusal names places and what is allowed, never the values. */
export function createBodyReader<T>(
  check: SchemaCheck<T>,
): (request: IncomingMessage) => Promise<Result<T, BodyFault>> {
  return async request => {
    const text = await readBody(request)
    if (text === undefined) return fail('body-too-big', `at most ${BODY_BYTES_MAX} bytes`)
    if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) {
      return fail('bad-request', 'the body must be application/json')
    }
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      return fail('bad-request', 'the body is not JSON')
    }
    return check.isValid(value) ? ok(value) : fail('bad-request', check.explain(value))
  }
}

/** The whole body; undefined when it is too big. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= BODY_BYTES_MAX) chunks.push(chunk)
    if (bytes > DROPPED_BYTES_MAX) break
  }
  return bytes <= BODY_BYTES_MAX ? Buffer.concat(chunks).toString('utf8') : undefined
}
