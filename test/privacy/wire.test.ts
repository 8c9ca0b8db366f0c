import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { loadIdentity } from '#agent/identity.ts'
import { createPairing } from '#agent/panel/pairing.ts'
import { servePanel } from '#agent/panel/serve.ts'
import { createMqttLink } from '#agent/uplink/mqtt-link.ts'
import { createUplink } from '#agent/uplink/uplink.ts'
import { EnrolmentSchema } from '#protocol/enrolment.ts'
import { GRADES, type Grade } from '#protocol/grades.ts'
import { createDevelopmentIdentities } from '#provisioning/development.ts'
import { loadYaml } from '#runtime/configuration.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import { startTestCollector } from '#test/helpers/collector.ts'
import { createTestDesk, type TestDesk } from '#test/helpers/desk.ts'
import { createRandom, shuffle } from '#test/helpers/random.ts'
import { createRecordingRelay, type RecordingRelay } from '#test/helpers/recording-relay.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

/** Presses before the measured ones: all numbers in entries, batches and answers have reached one width. */
const WARM_UP = 15
const PER_GRADE = 8

const order = () =>
  shuffle(
    Array.from({ length: PER_GRADE * GRADES.length }, (_, i) => GRADES[i % GRADES.length]!),
    createRandom(7),
  )

async function readyDesk(options: Parameters<typeof createTestDesk>[0] = {}): Promise<TestDesk> {
  const one = await createTestDesk(options)
  // As a box that has been running for more than a minute.
  one.clock.advance(100_000)
  const ready = one.changed()
  one.desk.window('A01').padChanged('ready')
  await ready
  return one
}

async function prompt({ desk }: TestDesk, n: number): Promise<string> {
  const asked = await desk.prompt({ for: { case: String(370_000_000_000 + n), service: 1 }, origin: 'panel' })
  if (!asked.ok) throw new Error(asked.error.detail)
  return asked.value.prompt.id
}

async function press({ desk, changed }: TestDesk, grade: Grade) {
  const rated = changed()
  desk.window('A01').pressed(grade)
  await rated
}

async function endUndoWindow({ clock, changed }: TestDesk) {
  const idle = changed()
  clock.advance(3_000)
  await idle
}

test('between box and broker every grade is the same TLS records, both ways', async () => {
  const dir = temporaryFolder()
  let brokerPort = 0
  const relay = await createRecordingRelay(() => brokerPort)
  onTestFinished(relay.close)
  const made = await createDevelopmentIdentities({
    dir,
    boxes: ['box-1'],
    brokerHosts: ['localhost', '127.0.0.1'],
    brokerPort: relay.port,
  })
  if (!made.ok) throw new Error(made.error.detail)
  brokerPort = Number(new URL((await startTestCollector(dir)).brokerUrl!).port)
  const own = join(dir, 'boxes/box-1')
  const enrolment = loadYaml(join(own, 'enrolment.yaml'), EnrolmentSchema)
  if (!enrolment.ok) throw new Error(enrolment.error.detail)
  const identity = loadIdentity(own, enrolment.value)
  if (!identity.ok) throw new Error(identity.error.detail)

  let receipted = () => {}
  const one = await readyDesk()
  const uplink = createUplink({
    ...identity.value,
    clock: createSystemClock(),
    journal: one.journal,
    sendBatch: bytes => link.sendBatch(bytes),
    onProgress: () => void (uplink.backlog() === 0 && receipted()),
    onCollectorTime() {},
    onResend: () => expect.unreachable('nothing is lost here'),
  })
  const linkUp = Promise.withResolvers<void>()
  const link = createMqttLink({
    ...identity.value,
    url: identity.value.brokerUrl,
    clock: createSystemClock(),
    timing: { retryMsMin: 1_000, retryMsMax: 60_000, keepaliveMs: 30_000, connectMs: 10_000 },
    random: () => 0,
    presence: () => ({ version: 1, online: true, agent: 'test', backlog: 0, windows: [] }),
    trueTime: () => undefined,
    askTime() {},
    onDateOpen() {},
    onUp: linkUp.resolve,
    onDown() {},
    onMessage: (_, bytes) => void uplink.receiptArrived(bytes),
  })
  onTestFinished(link.stop)
  await linkUp.promise
  uplink.linkUp()

  /** Sends what was appended and resolves when its receipt is there and acknowledged. */
  async function sent() {
    const receipt = Promise.withResolvers<void>()
    receipted = receipt.resolve
    uplink.wake()
    await receipt.promise
    // The acknowledgement of the receipt leaves after it was read.
    const { length } = relay.bytes('client')
    while (relay.bytes('client').length === length) await new Promise(setImmediate)
  }

  for (let n = 0; n < WARM_UP; n++) {
    await prompt(one, n)
    await press(one, GRADES[n % GRADES.length]!)
    await endUndoWindow(one)
  }
  await sent()
  const seen = new Map<string, Set<Grade>>()
  for (const [i, grade] of order().entries()) {
    await prompt(one, WARM_UP + i)
    await sent()
    relay.clear()
    await press(one, grade)
    await sent()
    const records = `${recordSizes(relay, 'client')} ${recordSizes(relay, 'server')}`
    seen.set(records, (seen.get(records) ?? new Set()).add(grade))
    await endUndoWindow(one)
  }
  expect([...seen.keys()]).toHaveLength(1)
  expect([...seen.keys()][0]).toMatch(/^\d+(,\d+)+ \d+(,\d+)*$/)
})

/** Lengths of TLS records (RFC 8446 section 5.1: type, version, length). */
function recordSizes(relay: RecordingRelay, from: 'client' | 'server'): number[] {
  const bytes = relay.bytes(from)
  const sizes: number[] = []
  for (let at = 0; at < bytes.length; at += 5 + sizes.at(-1)!) sizes.push(bytes.readUInt16BE(at + 3))
  return sizes
}

test('between box and the clerk’s computer every grade is the same answers and the same events', async () => {
  const watchers = new Set<() => void>()
  const one = await readyDesk({ onChange: () => watchers.forEach(notify => void notify()) })
  const served = await servePanel(
    { host: '127.0.0.1', port: 0 },
    {
      clock: one.clock,
      desk: one.desk,
      pairing: createPairing({ clock: one.clock, randomBytes, load: () => [], save() {} }),
      state: () => ({
        box: 'box-1',
        link: 'online',
        backlog: 0,
        windows: one.desk.windows().map(view => ({ ...view, isListening: false })),
      }),
      counters: () => ({}),
      watch(onChange) {
        watchers.add(onChange)
        return () => watchers.delete(onChange)
      },
      allowedOrigins: [],
      pages: '/nowhere',
    },
  )
  if (!served.ok) throw new Error(served.error.detail)
  const relay = await createRecordingRelay(() => Number(new URL(served.value.url).port))
  const url = `http://127.0.0.1:${relay.port}`
  const aborter = new AbortController()
  onTestFinished(async () => {
    aborter.abort()
    await relay.close()
    await served.value.close()
  })
  await fetch(`${url}/v1/events`, { signal: aborter.signal })

  /** Resolves when the live page was told a state that has this in it. */
  async function told(text: string) {
    while (!relay.bytes('server').includes(text)) await new Promise(setImmediate)
  }

  async function rate(n: number, grade: Grade): Promise<string[]> {
    relay.clear()
    const id = await prompt(one, n)
    await told(`"state":"waiting","prompt":"${id}"`)
    await press(one, grade)
    await told(`"state":"thanked","prompt":"${id}"`)
    await (await fetch(`${url}/v1/prompts/${id}`)).text()
    await (await fetch(`${url}/v1/state`)).text()
    await endUndoWindow(one)
    await told(`"state":"idle"},"last":{"id":"${id}"`)
    return relay.bytes('server').toString().split('\n').map(widthless)
  }

  for (let n = 0; n < WARM_UP; n++) await rate(n, GRADES[n % GRADES.length]!)
  const seen = new Map<Grade, Set<string>>(GRADES.map(grade => [grade, new Set()]))
  for (const [i, grade] of order().entries()) {
    for (const line of await rate(WARM_UP + i, grade)) seen.get(grade)!.add(line)
  }
  const [first, ...others] = [...seen.values()].map(lines => [...lines].sort())
  expect(first!.join('\n')).toContain('"outcome":"rated"')
  for (const other of others) expect(other).toEqual(first)
})

/** Ids, times, dates and counts differ from press to press whatever was pressed, and keep their width. */
function widthless(line: string): string {
  return line
    .replace(/"[0-9a-f]{32}"/g, '"id"')
    .replace(/^Date: .{29}/i, 'Date')
    .replace(/\d/g, '0')
}
