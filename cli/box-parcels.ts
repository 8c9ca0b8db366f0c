import { statSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { dirname, join, resolve } from 'node:path'
import type { ParcelPart, TakenReceipts } from '#agent/uplink/parcels.ts'
import { fail, ok, type Result } from '#protocol/result.ts'

/** Parcels of a box, whether its agent runs or not. */
export interface BoxParcels {
  pack(): Promise<Result<{ parts: ParcelPart[]; bytes: AsyncIterable<Uint8Array> }>>
  takeReceipts(file: Uint8Array): Promise<Result<TakenReceipts>>
  close(): void
}

/**
 * Reaches the parcels of the box with this configuration: by the socket of its running agent, which holds the
 * journal; where none answers, by the journal itself, which nobody else can open meanwhile.
 */
export async function openBoxParcels(config: string, env: NodeJS.ProcessEnv): Promise<Result<BoxParcels>> {
  const [{ AGENT_ENVIRONMENT_PREFIX, AgentConfigurationSchema }, { loadYaml, overridesFromEnvironment }] =
    await Promise.all([import('#agent/configuration.ts'), import('#runtime/configuration.ts')])
  const overrides = overridesFromEnvironment(AgentConfigurationSchema, AGENT_ENVIRONMENT_PREFIX, env)
  const configuration = loadYaml(config, AgentConfigurationSchema, overrides)
  if (!configuration.ok) return configuration
  const at = (path: string) => resolve(dirname(resolve(config)), path)
  const [folder, identity] = [at(configuration.value.journal), at(configuration.value.identity)]
  const { staffSocketPath } = await import('#agent/uplink/staff-socket.ts')
  const running = await reachRunning(staffSocketPath(folder))
  return running ?? (await openStopped(folder, identity))
}

/** Undefined when no agent answers there. */
async function reachRunning(socketPath: string): Promise<Result<BoxParcels> | undefined> {
  const { PARTS_HEADER, STAFF_PATHS } = await import('#agent/uplink/staff-socket.ts')
  const probed = await call(socketPath, '/')
  if (!probed.ok && (probed.error.code === 'ENOENT' || probed.error.code === 'ECONNREFUSED')) return undefined
  if (!probed.ok) return notReached(socketPath, probed.error.code)
  probed.value.resume()
  return ok({
    async pack() {
      const answer = await call(socketPath, STAFF_PATHS.parcel)
      if (!answer.ok) return notReached(socketPath, answer.error.code)
      const parts = JSON.parse(String(answer.value.headers[PARTS_HEADER])) as ParcelPart[]
      return ok({ parts, bytes: answer.value as AsyncIterable<Uint8Array> })
    },
    async takeReceipts(file) {
      const answer = await call(socketPath, STAFF_PATHS.receipts, file)
      if (!answer.ok) return notReached(socketPath, answer.error.code)
      const body = JSON.parse(await textOf(answer.value))
      return answer.value.statusCode === 200 ? ok(body as TakenReceipts) : fail(body.code, body.detail)
    },
    close() {},
  })
}

function notReached(socketPath: string, code: string): Result<never> {
  return code === 'EACCES'
    ? fail('not-permitted', `${socketPath}: only the user the agent runs as may do this, and root (sudo)`)
    : fail('agent-not-reached', `${socketPath}: ${code}`)
}

function call(socketPath: string, path: string, body?: Uint8Array): Promise<Result<IncomingMessage>> {
  return new Promise(settle => {
    const sent = request({ socketPath, path, method: 'POST' }, response => settle(ok(response)))
    sent.on('error', ({ code = 'unknown' }: NodeJS.ErrnoException) => settle(fail(code, code))).end(body)
  })
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const piece of response.setEncoding('utf8')) text += piece
  return text
}

async function openStopped(folder: string, identityFolder: string): Promise<Result<BoxParcels>> {
  const usable = checkOwner(join(folder, 'journal.db'))
  if (!usable.ok) return usable
  const [
    { randomBytes },
    { loadIdentity },
    { openJournal },
    { createParcels },
    { createUplink },
    { EnrolmentSchema },
    { loadYaml },
    { createSystemClock },
  ] = await Promise.all([
    import('node:crypto'),
    import('#agent/identity.ts'),
    import('#agent/journal/journal.ts'),
    import('#agent/uplink/parcels.ts'),
    import('#agent/uplink/uplink.ts'),
    import('#protocol/enrolment.ts'),
    import('#runtime/configuration.ts'),
    import('#runtime/system-clock.ts'),
  ])
  const enrolment = loadYaml(join(identityFolder, 'enrolment.yaml'), EnrolmentSchema)
  if (!enrolment.ok) return enrolment
  const identity = loadIdentity(identityFolder, enrolment.value)
  if (!identity.ok) return identity
  const clock = createSystemClock()
  const opened = openJournal({ directory: folder, box: identity.value.box, clock, randomBytes })
  if (!opened.ok) return opened
  const journal = opened.value
  const onFailure = (error: unknown) => {
    throw error
  }
  // Its link never comes up: it only judges receipts, as in the agent.
  const uplink = createUplink({
    ...identity.value,
    clock,
    journal,
    past: journal.past,
    sendBatch() {},
    onProgress() {},
    onCollectorTime() {},
    onResend() {},
    onContradicted: journal.contradicted,
    onFailure,
  })
  const parcels = createParcels({
    ...identity.value,
    chains: () => [...journal.past(), journal],
    receiptBrought: uplink.receiptBrought,
    onFailure,
  })
  return ok({
    pack: () => Promise.resolve(ok(parcels.pack())),
    takeReceipts: file => Promise.resolve(parcels.takeReceipts(file)),
    close: journal.close,
  })
}

/** Opening the journal as somebody else would leave files behind that its agent cannot open. */
function checkOwner(path: string): Result<void> {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat) return fail('no-journal', `${path} is not there: has this box ever run with this configuration?`)
  const own = process.getuid?.()
  return own === undefined || stat.uid === own
    ? ok()
    : fail(
        'not-permitted',
        `${path} belongs to user ${stat.uid}, this is ${own}: run it as that user (sudo -u '#${stat.uid}')`,
      )
}
