import { connect, type TLSSocket } from 'node:tls'
import type { Clock } from '#protocol/clock.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import {
  checkAllButDates,
  dateFault,
  isDateFault,
  serverNameOf,
  type TrueTime,
  validityIn,
} from './peer-certificate.ts'

/** A TLS connection to a broker that is believed, on which nothing has been said yet. */
export interface BrokerSocket {
  socket: TLSSocket
  /** What is wrong with the dates of its certificate at that time; undefined when nothing is. */
  dateFaultAt(time: TrueTime): string | undefined
  /** The system's clock finds its certificate out of date, and that clock is not known to be right. */
  isDateOpen: boolean
}

export interface BrokerSocketDeps {
  clock: Clock
  url: string
  tls: { ca: Buffer; cert: Buffer; key: Buffer }
  /** The one certificate the broker must show, instead of a name that fits: for a broker of the same process. */
  pinned?: Buffer
  /**
   * The true time where it is known. Without this the system's clock is believed; with it only when it says so,
   * and a certificate whose one fault is its dates is taken for as long as nobody knows the date.
   */
  trueTime?(): TrueTime | undefined
  connectMs: number
}

/** Opens one. `then` is called once, unless the attempt was given up before, by what is returned. */
export function openBrokerSocket(deps: BrokerSocketDeps, then: (opened: Result<BrokerSocket>) => void): () => void {
  const { host, port } = addressOf(deps.url)
  const servername = serverNameOf(host)
  const socket = connect({
    ...deps.tls,
    host,
    port,
    ...(servername && { servername }),
    minVersion: 'TLSv1.2',
    ...(deps.pinned && { checkServerIdentity: mustBe(deps.pinned) }),
    // The library's own verdict is read below, and nothing is written before: the dates may be the one fault
    // that does not count.
    rejectUnauthorized: false,
  })
  // Small packets go at once: otherwise an acknowledgement waits up to 40 ms for the one before it.
  socket.setNoDelay(true)
  const cancelTimeout = deps.clock.after(deps.connectMs, () => end(fail('timeout', `no answer from ${host}`)))
  let isDone = false

  function end(opened: Result<BrokerSocket>) {
    if (isDone) return
    isDone = true
    cancelTimeout()
    if (!opened.ok) socket.destroy()
    then(opened)
  }

  socket.once('secureConnect', () => end(judge(socket, host, deps)))
  // Stays: an error that nobody listens for would end the process, also after this attempt was given up.
  socket.on('error', error => end(fail((error as NodeJS.ErrnoException).code ?? 'tls', error.message)))
  socket.once('close', () => end(fail('closed', `${host} closed the connection`)))
  return () => {
    // What has been handed over is not ours any more.
    if (isDone) return
    isDone = true
    cancelTimeout()
    socket.destroy()
  }
}

function judge(socket: TLSSocket, host: string, deps: BrokerSocketDeps): Result<BrokerSocket> {
  const { ca } = deps.tls
  const verdict = socket.authorizationError as unknown
  const certificate = socket.getPeerX509Certificate()
  if (!certificate || (!socket.authorized && !isDateFault(verdict))) {
    return fail(codeOf(verdict), 'the certificate of the broker is not to be believed')
  }
  const isDateOpen = !socket.authorized
  if (isDateOpen && (!deps.trueTime || deps.pinned)) return fail(codeOf(verdict), 'by the clock of this machine')
  const checked = isDateOpen ? checkAllButDates(certificate, { ca, host }) : ok(validityIn(certificate, ca))
  if (!checked.ok) return checked
  const dateFaultAt = (time: TrueTime) => dateFault(checked.value, time)
  const now = deps.trueTime?.()
  if (!now) return ok({ socket, dateFaultAt, isDateOpen })
  const fault = dateFaultAt(now)
  return fault ? fail(fault, 'by the true time') : ok({ socket, dateFaultAt, isDateOpen: false })
}

/** Node gives a code where it has one, and a text where not. */
const codeOf = (verdict: unknown): string =>
  typeof verdict === 'string' ? verdict : ((verdict as { code?: string } | null)?.code ?? 'certificate')

function addressOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 8883) }
}

function mustBe(certificate: Buffer) {
  return (_host: string, shown: { raw: Buffer }) =>
    shown.raw.equals(certificate) ? undefined : new Error('the broker shows another certificate than its own')
}
