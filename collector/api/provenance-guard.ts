import type { FastifyRequest } from 'fastify'
import { keyHolderOf } from './access.ts'
import type { ApiDeps } from './api-deps.ts'
import { Refusal } from './refusal.ts'

/** Deeper than any body of ours goes. */
const DEPTH_MAX = 6

/**
 * Refuses, and keeps, every request whose body speaks of a provenance, whatever its address: what a rating
 * came from is fixed when it is captured, so nobody has anything to say about it here.
 */
export function refuseProvenance(request: FastifyRequest, { verbs, keyring }: Pick<ApiDeps, 'verbs' | 'keyring'>) {
  if (!namesProvenance(request.body, DEPTH_MAX)) return
  const holder = keyHolderOf(request, keyring)
  verbs.noteRefused({ what: 'provenance', by: holder ? `api ${holder}` : 'api', code: 'provenance-fixed' })
  throw new Refusal('provenance-fixed', 'body: /provenance can be written by nobody')
}

function namesProvenance(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null || depth === 0) return false
  return Object.entries(value).some(([name, inner]) => name === 'provenance' || namesProvenance(inner, depth - 1))
}
