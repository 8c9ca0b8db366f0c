import { existsSync } from 'node:fs'
import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import fastifyStatic from '@fastify/static'
import swagger from '@fastify/swagger'
import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify'
import { checkHost } from './access.ts'
import type { ApiDeps } from './api-deps.ts'
import { addDecisionRoutes } from './decision-routes.ts'
import { OPENAPI } from './openapi-header.ts'
import { addParcelRoutes } from './parcel-routes.ts'
import { refuseProvenance } from './provenance-guard.ts'
import { addReadRoutes } from './read-routes.ts'
import { problemOf, Refusal, sendProblem } from './refusal.ts'
import { addWriteRoutes } from './write-routes.ts'

const BODY_BYTES_MAX = 64 * 1024

export type Api = FastifyInstance

/** The collector's HTTP API, not yet listening. Routes translate; the verbs do. */
export async function createApi(deps: ApiDeps): Promise<Api> {
  const { options, log } = deps
  const app = Fastify({
    bodyLimit: BODY_BYTES_MAX,
    // Open event streams would otherwise keep a stopping collector alive.
    forceCloseConnections: true,
    // Case numbers stand in paths, so requests are not logged.
    logger: false,
    routerOptions: { maxParamLength: 200 },
  }).withTypeProvider<TypeBoxTypeProvider>()
  app.setValidatorCompiler(TypeBoxValidatorCompiler)
  app.setSerializerCompiler(() => value => JSON.stringify(value))
  app.setErrorHandler((error: FastifyError | Refusal, request, reply) => {
    const problem = problemOf(error)
    if (!problem) log.error({ err: { message: error.message, stack: error.stack } }, 'request-failed')
    return sendProblem(request, reply, problem?.code ?? 'internal', problem?.detail)
  })
  app.addHook('preValidation', (request, _reply, done) => {
    refuseProvenance(request, deps)
    done()
  })
  app.setNotFoundHandler((request, reply) => sendProblem(request, reply, 'not-found'))
  app.addHook('onRequest', (request, _reply, done) => {
    checkHost(request, options.names)
    done()
  })
  await app.register(rateLimit, {
    max: options.requestsPerMinuteMax,
    timeWindow: 60_000,
    errorResponseBuilder: (_request, context) => {
      const detail = `at most ${context.max} requests a minute from one address`
      return new Refusal('too-many-requests', detail)
    },
  })
  // Plain HTTP inside a hall: a page must not be told to load its parts over TLS.
  await app.register(helmet, {
    contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } },
    strictTransportSecurity: false,
  })
  await app.register(swagger, { openapi: OPENAPI })
  await app.register((scope, _options, done) => {
    addReadRoutes(scope, deps)
    addWriteRoutes(scope, deps)
    addDecisionRoutes(scope, deps)
    done()
  })
  // In a scope of its own, where a body may be a file.
  await app.register((scope, _options, done) => {
    addParcelRoutes(scope, deps)
    done()
  })
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
  if (existsSync(options.pages)) await app.register(fastifyStatic, { root: options.pages, index: ['index.html'] })
  return app as unknown as Api
}
