import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { AcceptanceBody, ExplanationBody } from '#collector/schemas.ts'
import { checkScope } from './access.ts'
import type { ApiDeps } from './api-deps.ts'
import { problemResponses } from './problem-responses.ts'
import { refusalOf } from './refusal.ts'

const SCOPE = 'fleet:write'

/** What a person in charge decides, each with their own key, also from this machine: it is kept who and why. */
export function addDecisionRoutes(scope: FastifyInstance, { verbs, keyring }: ApiDeps): void {
  const app = scope.withTypeProvider<TypeBoxTypeProvider>()
  const keyProblems = ['bad-request', 'key-missing', 'key-unknown', 'scope-missing', 'body-too-big'] as const
  const about = (summary: string) => ({ tags: ['fleet'], summary, security: [{ key: [SCOPE] }] })
  const kept = { 204: Type.Null({ description: '已记录 Kept' }) }

  app.post(
    '/v1/gaps/explanations',
    {
      onRequest: (request, _reply, done) => {
        checkScope(request, keyring, SCOPE)
        done()
      },
      schema: {
        ...about('说明一个已放弃的缺口；缺口本身永远保留 Say why entries of a gap never came; the gap stays'),
        body: ExplanationBody,
        response: { ...kept, ...problemResponses(...keyProblems, 'unknown-gap', 'store-refused') },
      },
    },
    async (request, reply) => {
      const { note, ...gap } = request.body
      const explained = await verbs.decisions.explainGap(gap, note, checkScope(request, keyring, SCOPE))
      if (!explained.ok) throw refusalOf(explained.error)
      return await reply.code(204).send(null)
    },
  )
  app.post(
    '/v1/quarantine/acceptances',
    {
      onRequest: (request, _reply, done) => {
        checkScope(request, keyring, SCOPE)
        done()
      },
      schema: {
        ...about('接收盒子吊销后才到达的一批 Take a batch that came after its box was revoked'),
        body: AcceptanceBody,
        response: {
          ...kept,
          ...problemResponses(...keyProblems, 'unknown-batch', 'batch-not-acceptable', 'store-refused'),
        },
      },
    },
    async (request, reply) => {
      const { reason, ...batch } = request.body
      const accepted = await verbs.decisions.acceptBatch(batch, reason, checkScope(request, keyring, SCOPE))
      if (!accepted.ok) throw refusalOf(accepted.error)
      return await reply.code(204).send(null)
    },
  )
}
