/** Who may talk to the panel. Pure, so that every refusal is a line of a table. */

export interface Caller {
  remoteAddress: string
  host: string | undefined
  origin: string | undefined
  isPaired: boolean
}

export function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address)
}

/**
 * Undefined when the caller may go on. From the box itself nothing is asked but an honest Host (a page
 * of the internet could otherwise point its own name at 127.0.0.1); from elsewhere, pairing. A web page
 * of another origin needs to be listed.
 */
export function refusalOf(
  caller: Caller,
  allowedOrigins: readonly string[],
): 'origin-refused' | 'pairing-required' | undefined {
  const { host = '', origin } = caller
  const isLocal = isLoopback(caller.remoteAddress)
  if (isLocal && !/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host)) return 'origin-refused'
  if (origin !== undefined && origin !== `http://${host}` && !allowedOrigins.includes(origin)) return 'origin-refused'
  return isLocal || caller.isPaired ? undefined : 'pairing-required'
}
