import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { PromptBody, RegisteredView, ServiceBody } from '#collector/schemas.ts'
import { WindowIdSchema } from '#protocol/names.ts'
import { checkScope } from './access.ts'
import type { ApiDeps } from './api-deps.ts'
import type { Scope } from './keyring.ts'
import { problemResponses } from './problem-responses.ts'
import { refusalOf } from './refusal.ts'

/** What business systems may do, each with a key of its own, also from this machine. */
export function addWriteRoutes(scope: FastifyInstance, { verbs, keyring }: ApiDeps): void {
  const app = scope.withTypeProvider<TypeBoxTypeProvider>()
  const onRequest = (needed: Scope) => (request: FastifyRequest, _reply: unknown, done: () => void) => {
    checkScope(request, keyring, needed)
    done()
  }
  const keyProblems = ['bad-request', 'key-missing', 'key-unknown', 'scope-missing', 'body-too-big'] as const

  app.post(
    '/v1/services',
    {
      onRequest: onRequest('services:write'),
      schema: {
        tags: ['services'],
        summary: '登记一次服务，可重复发送 Register a service; may be repeated',
        security: [{ key: ['services:write'] }],
        body: ServiceBody,
        response: {
          200: RegisteredView,
          201: RegisteredView,
          ...problemResponses(...keyProblems, 'service-differs', 'store-refused'),
        },
      },
    },
    async (request, reply) => {
      const registered = await verbs.registerService(request.body, checkScope(request, keyring, 'services:write'))
      if (!registered.ok) throw refusalOf(registered.error)
      return reply.code(registered.value.isNew ? 201 : 200).send(registered.value.service)
    },
  )
  app.post(
    '/v1/windows/:window/prompts',
    {
      onRequest: onRequest('prompts:write'),
      schema: {
        tags: ['prompts'],
        summary: '请求窗口邀评 Ask a window for a prompt',
        security: [{ key: ['prompts:write'] }],
        params: Type.Object({ window: WindowIdSchema }),
        body: PromptBody,
        response: {
          202: Type.Object({ prompt: Type.String({ title: '邀评编号 Prompt id' }) }),
          ...problemResponses(...keyProblems, 'unknown-window', 'box-offline', 'broker-offline'),
        },
      },
    },
    async ({ params, body }, reply) => {
      const asked = verbs.prompts.ask(params.window, body)
      if (!asked.ok) throw refusalOf(asked.error)
      return await reply.code(202).send(asked.value)
    },
  )
}
