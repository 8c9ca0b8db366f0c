import type { IncomingMessage, ServerResponse } from 'node:http'
import { languageOfHeader } from '#runtime/language.ts'
import { createProblem, PROBLEM_MEDIA_TYPE } from '#runtime/problem.ts'
import { PANEL_PROBLEMS, type PanelProblemCode } from './problems.ts'

/** What a route gives back; undefined when it writes the response itself, as a stream does. */
export type Answer = { status: number; headers?: Record<string, string>; body?: string | Buffer } | undefined

export function json(value: unknown, status = 200): Answer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) }
}

/** A refusal in the reader's language. */
export function problem(request: IncomingMessage, code: PanelProblemCode, detail?: string): Answer {
  const language = languageOfHeader(request.headers['accept-language'])
  const body = createProblem(PANEL_PROBLEMS, code, language, detail)
  return {
    status: body.status,
    headers: { 'content-type': PROBLEM_MEDIA_TYPE, 'content-language': language === 'zh' ? 'zh-CN' : 'en' },
    body: JSON.stringify(body),
  }
}

export function send(response: ServerResponse, answer: Answer): void {
  if (!answer) return
  response.writeHead(answer.status, answer.headers)
  response.end(answer.body)
}
