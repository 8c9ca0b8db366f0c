import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { Keyring, Scope } from './keyring.ts'
import { Refusal } from './refusal.ts'

/**
 * Refuses a request that reached us under a foreign name or from a foreign page. A page elsewhere can make a
 * browser call us under its own name once that resolves to our address; it cannot do so under an IP address.
 */
export function checkHost(request: FastifyRequest, names: readonly string[]): void {
  const host = hostOf(`http://${request.headers.host ?? ''}`)
  if (host === undefined || !isOwnName(host.hostname, names)) {
    throw new Refusal('host-refused', 'the Host header must be an IP address, localhost, or one of api.names')
  }
  const { origin } = request.headers
  if (origin !== undefined && hostOf(origin)?.host !== host.host) {
    throw new Refusal('origin-refused', 'the Origin header must be the same host as the request')
  }
}

function isOwnName(hostname: string, names: readonly string[]): boolean {
  const bare = hostname.replace(/^\[|\]$/g, '')
  return isIP(bare) !== 0 || bare === 'localhost' || names.some(name => name.toLowerCase() === bare)
}

function hostOf(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined
}

const FORWARDING_HEADERS = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via']

/** Whether a request was made on this machine itself, not by a proxy on it for somebody else. */
export function isDirectLoopback(request: FastifyRequest): boolean {
  const address = request.socket.remoteAddress ?? ''
  const isLoopback = /^(::ffff:)?127\./.test(address) || address === '::1'
  return isLoopback && FORWARDING_HEADERS.every(name => request.headers[name] === undefined)
}

/** The name of the holder of the key that came with a request, if it is one of ours. */
export function keyHolderOf(request: FastifyRequest, keyring: Keyring): string | undefined {
  const key = bearerOf(request)
  return key ? keyring.find(key)?.name : undefined
}

function bearerOf(request: FastifyRequest): string | undefined {
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
}

/** The name of the key's holder, who must have the scope. */
export function checkScope(request: FastifyRequest, keyring: Keyring, scope: Scope): string {
  const key = bearerOf(request)
  if (!key) throw new Refusal('key-missing', `scope ${scope} is needed`)
  const holder = keyring.find(key)
  if (!holder) throw new Refusal('key-unknown')
  if (!holder.scopes.includes(scope)) {
    throw new Refusal('scope-missing', `${scope} is needed, the key of ${holder.name} has ${holder.scopes.join(', ')}`)
  }
  return holder.name
}
