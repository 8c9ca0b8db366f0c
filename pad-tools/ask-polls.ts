import { createPadCodec } from '#agent/pad/codec.ts'
import type { Profile } from '#agent/pad/profile.ts'
import { ok, type Result } from '#protocol/result.ts'
import type { LearntLine } from './draft-profile.ts'
import { bytesOfAnswer, dividePolls, type Exchange } from './heard-polls.ts'
import { weigh } from './identify.ts'
import { harmlessQuery } from './identify-live.ts'
import { learnPolls } from './learn-polls.ts'
import { BAUDS } from './line-settings.ts'
import { type LearntLive, type LiveDeps, type LiveFault, learnInRounds, pressOrder } from './live.ts'
import { MODBUS_READS, type ModbusFunction, modbusAnswer, modbusReadOf, modbusRequest } from './modbus.ts'
import type { OpenPort } from './open-port.ts'
import { refuse, refuseKnown } from './refusals.ts'
import type { TraceLine } from './trace.ts'

/** Modules come with one of these, set by switches or by the maker. */
const ADDRESSES = Array.from({ length: 16 }, (_, i) => i + 1)
/** How many inputs or registers: some modules refuse more than they have. */
const COUNTS: Record<ModbusFunction, readonly number[]> = {
  1: [8, 5, 4],
  2: [8, 5, 4],
  3: [8, 5, 2, 1],
  4: [8, 5, 2, 1],
}
/** An answer is over when the line was still for so long: adapters deliver in pieces up to 16 ms apart. */
const ANSWER_STILL_MS = 25
const ANSWER_MS_MAX = 400
const IDLE_ROUNDS = 5
const HELD_ROUNDS = 3

/**
 * Learns a pad that is silent when it is pressed: sends queries that only read, and once one is answered asks again
 * and again while the faces are held down in the order asked. Nothing that writes is ever sent.
 */
export async function learnByAsking(deps: LiveDeps): Promise<Result<LearntLive, LiveFault>> {
  const found = await findQueries(deps)
  if (!found.ok) return found
  const { port, line, queries } = found.value
  try {
    return await askAndLearn(deps, port, line, queries)
  } finally {
    await port.close()
  }
}

interface FoundQueries {
  port: OpenPort
  line: LearntLine
  queries: readonly Uint8Array[]
}

async function findQueries(deps: LiveDeps): Promise<Result<FoundQueries, LiveFault>> {
  deps.person.say({
    zh: '按键时评价器没有主动发送，可能要由主机查询。现在发送只读取、不改变任何设置的查询（Modbus 读、已知型号声明无害的查询），请不要按键，最长约一分钟。',
    en: 'The pad says nothing when it is pressed; perhaps it has to be asked. Sending queries that only read and change nothing (Modbus reads, and what known profiles declare harmless): press no key, for a minute at most.',
  })
  for (const line of linesToAsk(deps.fixed)) {
    const opened = await deps.open(line)
    if (!opened.ok) return opened
    const port = opened.value
    const found = await queriesAnswered(deps, port, line)
    if (found.ok && found.value.length > 0) return ok({ port, line, queries: found.value })
    await port.close()
    if (!found.ok) return found
  }
  return refuse('query-unknown')
}

/** Modules come with no parity, or with an even one as the standard has it (Modbus over serial line 1.02, 2.5.1). */
function linesToAsk({ baud, parity }: LiveDeps['fixed']): LearntLine[] {
  const bauds = baud === undefined ? BAUDS : [baud]
  const parities = parity === undefined ? (['none', 'even'] as const) : [parity]
  return parities.flatMap(one => bauds.map(speed => ({ baud: speed, parity: one })))
}

async function queriesAnswered(
  deps: LiveDeps,
  port: OpenPort,
  line: LearntLine,
): Promise<Result<Uint8Array[], LiveFault>> {
  if (deps.queries.length > 0) return ok(await onlyAnswered(deps, port, deps.queries))
  for (const profile of deps.profiles) {
    const known = await askKnown(deps, port, line, profile)
    if (known) return refuseKnown(profile.id)
  }
  for (const address of deps.addresses.length > 0 ? deps.addresses.slice(0, 1) : ADDRESSES) {
    const bytes = modbusRequest({ address, reads: 2, first: 0, count: COUNTS[2][0]! })
    const { kind } = await askModbus(deps, port, bytes)
    if (kind === 'none') continue
    const queries = await readable(deps, port, address)
    return queries.length > 0 ? ok(queries) : refuse('query-refused')
  }
  return ok([])
}

/** Whether a known pad is there that would have spoken by itself: what it does not say is not for learning. */
async function askKnown(deps: LiveDeps, port: OpenPort, { baud, parity }: LearntLine, profile: Profile) {
  const command = harmlessQuery(profile)
  const isFit = profile.kind === 'pad' && profile.line.parity === parity && profile.baudsAllowed.includes(baud)
  // A module that has to be asked may be wired in other ways than its profile says.
  if (command === undefined || profile.poll || !isFit) return false
  const { answer } = await exchange(deps, port, createPadCodec(profile).single(command).bytes)
  return weigh(profile, [], { command, answer }).answered !== null
}

async function askModbus(deps: LiveDeps, port: OpenPort, bytes: Uint8Array) {
  return modbusAnswer(modbusReadOf(bytes)!, withoutEcho(bytes, bytesOfAnswer(await exchange(deps, port, bytes))))
}

/** Of each way to read the most that the module lets be read. */
async function readable(deps: LiveDeps, port: OpenPort, address: number): Promise<Uint8Array[]> {
  const queries: Uint8Array[] = []
  for (const reads of MODBUS_READS) {
    for (const count of COUNTS[reads]) {
      const bytes = modbusRequest({ address, reads, first: 0, count })
      const { kind } = await askModbus(deps, port, bytes)
      if (kind === 'data') queries.push(bytes)
      if (kind !== 'refused') break
    }
  }
  return queries
}

async function onlyAnswered(deps: LiveDeps, port: OpenPort, queries: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const answered: Uint8Array[] = []
  for (const bytes of queries) {
    const answers = [await exchange(deps, port, bytes), await exchange(deps, port, bytes)].map(bytesOfAnswer)
    const modbus = modbusReadOf(bytes)
    const isAnswer = (answer: Uint8Array) => (modbus ? modbusAnswer(modbus, answer).kind === 'data' : answer.length > 0)
    if (answers.every(answer => isAnswer(withoutEcho(bytes, answer)))) answered.push(bytes)
  }
  return answered
}

function withoutEcho(query: Uint8Array, heard: Uint8Array): Uint8Array {
  const isEcho = heard.length >= query.length && query.every((byte, i) => heard[i] === byte)
  return isEcho ? heard.subarray(query.length) : heard
}

async function exchange({ patience }: LiveDeps, port: OpenPort, query: Uint8Array): Promise<Exchange> {
  port.take()
  const atMs = port.write(query)
  if (await port.heard(patience.answerMs)) await port.still(ANSWER_STILL_MS, ANSWER_MS_MAX)
  return { atMs, query, answer: port.take() }
}

/** The port with a tape: every question and answer goes into the trace. */
function createAsking(deps: LiveDeps, port: OpenPort, trace: TraceLine[]) {
  /** What each query is answered with while nobody presses. */
  const idle = new Map<Uint8Array, string>()

  async function round(queries: Iterable<Uint8Array>): Promise<Map<Uint8Array, string>> {
    const answers = new Map<Uint8Array, string>()
    for (const query of queries) {
      const one = await exchange(deps, port, query)
      trace.push({ kind: 'to-pad', atMs: one.atMs, bytes: query })
      trace.push(...one.answer.map(chunk => ({ kind: 'from-pad' as const, ...chunk })))
      // One that is late must not be taken for the answer to the next question.
      if (one.answer.length === 0) await port.heard(ANSWER_MS_MAX)
      answers.set(query, Buffer.from(bytesOfAnswer(one)).toString('hex'))
    }
    return answers
  }

  return {
    idle,
    /** Keeps the queries that are answered alike again and again. */
    async rest(queries: readonly Uint8Array[]) {
      const first = await round(queries)
      for (const [query, answer] of first) idle.set(query, answer)
      for (let i = 1; i < IDLE_ROUNDS; i++) {
        for (const [query, answer] of await round(idle.keys())) if (answer !== idle.get(query)) idle.delete(query)
      }
    },
    /** Asks until the answers are at rest, or are not, as wanted; false when that does not come in time. */
    async until(isRest: boolean): Promise<boolean> {
      const endMs = port.nowMs() + deps.patience.pressMs
      while (port.isOpen() && port.nowMs() < endMs) {
        const answers = await round(idle.keys())
        // A question that got lost says nothing of the keys.
        const isChanged = [...answers].some(([query, answer]) => answer !== '' && answer !== idle.get(query))
        if (isChanged !== isRest) return true
      }
      return false
    },
    round: () => round(idle.keys()),
  }
}

async function askAndLearn(
  deps: LiveDeps,
  port: OpenPort,
  line: LearntLine,
  queries: readonly Uint8Array[],
): Promise<Result<LearntLive, LiveFault>> {
  const { options, person } = deps
  const trace: TraceLine[] = []
  const asking = createAsking(deps, port, trace)
  await asking.rest(queries)
  if (asking.idle.size === 0) return refuse('answer-unsteady')
  person.say({
    zh: `评价器回答了查询（${line.baud} 波特）。`,
    en: `The pad answers a query (${line.baud} baud).`,
  })
  let latched: number | undefined

  async function askHold(key: number) {
    if (latched !== undefined) return
    const count = options.grades.length
    person.say({
      zh: `请按住第 ${key + 1} 个键，直到提示松开（1 为最满意，${count} 为最不满意）`,
      en: `Press key ${key + 1} and hold it until told to let go (1 is the best face, ${count} the worst)`,
    })
    trace.push({ kind: 'mark', mark: { kind: 'key', key: key + 1 } })
    if (await asking.until(false)) {
      for (let i = 0; i < HELD_ROUNDS; i++) await asking.round()
      person.say({ zh: '请松开。', en: 'Let go.' })
      if (!(await asking.until(true)) && port.isOpen()) latched = key
    }
    trace.push({ kind: 'mark', mark: { kind: 'idle' } })
    await asking.round()
  }

  for (const key of pressOrder(deps)) await askHold(key)
  if (latched !== undefined) return refuse('answer-latched', [latched])
  return await learnInRounds({ ...deps, line, trace, rivals: [], askPress: askHold, isOpen: port.isOpen }, () => {
    const heard = dividePolls(trace)
    return heard ? learnPolls(heard, { ...options, line }) : refuse('pad-silent')
  })
}
