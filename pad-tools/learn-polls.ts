import { createHash } from 'node:crypto'
import { formatBytes } from '#agent/pad/bytes.ts'
import { createPadCodec } from '#agent/pad/codec.ts'
import { parseProfile } from '#agent/pad/load-profile.ts'
import type { Profile } from '#agent/pad/profile.ts'
import { ok, type Result } from '#protocol/result.ts'
import type { Text } from '#runtime/language.ts'
import { type DraftQuery, draftPolls, draftPollsGolden, replayExchange } from './draft-polls.ts'
import { type Answers, type FoundAnswer, findModbusAnswer, findOtherAnswer } from './find-answer.ts'
import type { FoundFrame } from './find-frames.ts'
import { bytesOfAnswer, type Exchange, type HeardPolls } from './heard-polls.ts'
import { directionOf, type LearnOptions, type Learnt } from './learn.ts'
import { modbusAnswer, modbusReadOf } from './modbus.ts'
import { type LearnRefusal, refuse } from './refusals.ts'

/** The same answer this often while nobody presses, or what a pad says is not known to be its rest. */
const IDLE_SHARE_MIN = 0.8
const PRESSES_MIN = 2

/**
 * Infers the profile of a pad that only speaks when it is asked, from what it answered while known faces were held
 * down, or says why it does not. Pure. Of several queries the first whose answers tell the keys is taken.
 */
export function learnPolls(heard: HeardPolls, options: LearnOptions): Result<Learnt, LearnRefusal> {
  let reason: LearnRefusal | undefined
  for (const query of queriesOf(heard)) {
    const tried = tryQuery(query, heard, options)
    if (tried.ok) return tried
    // What was said of a query that tells something of the keys helps more than that another one tells nothing.
    if (!reason || (reason.keys.length === 0 && tried.error.keys.length > 0)) reason = tried.error
  }
  return reason ? { ok: false, error: reason } : refuse('pad-silent')
}

function queriesOf({ idle, presses }: HeardPolls): Uint8Array[] {
  const all = [...idle, ...presses.flatMap(({ exchanges }) => exchanges)]
  return [...new Map(all.map(({ query }) => [formatBytes(query), query])).values()]
}

function tryQuery(bytes: Uint8Array, heard: HeardPolls, options: LearnOptions): Result<Learnt, LearnRefusal> {
  const own = onlyOf(bytes, heard)
  const modbus = modbusReadOf(bytes)
  const isEchoed = allOf(own).every(one => isBehind(bytes, bytesOfAnswer(one)))
  const read = (exchange: Exchange): Uint8Array | null => {
    const heardBytes = bytesOfAnswer(exchange)
    const answer = isEchoed ? heardBytes.subarray(bytes.length) : heardBytes
    if (answer.length === 0) return null
    return modbus && modbusAnswer(modbus, answer).kind !== 'data' ? null : answer
  }
  const answers = answersOf(own, read, options.grades.length)
  if (!answers.ok) return answers
  const found = modbus ? findModbusAnswer(answers.value, modbus) : findOtherAnswer(answers.value)
  if (!found) return refuse('framing-unknown')
  return draftAndVerify(own, found, { bytes, modbus, isEchoed }, options)
}

const allOf = ({ idle, presses }: HeardPolls) => [...idle, ...presses.flatMap(({ exchanges }) => exchanges)]

function onlyOf(bytes: Uint8Array, heard: HeardPolls): HeardPolls {
  const isOwn = ({ query }: Exchange) => formatBytes(query) === formatBytes(bytes)
  return {
    idle: heard.idle.filter(isOwn),
    presses: heard.presses.map(press => ({ ...press, exchanges: press.exchanges.filter(isOwn) })),
  }
}

function isBehind(query: Uint8Array, heard: Uint8Array): boolean {
  return heard.length === 0 || formatBytes(heard).startsWith(formatBytes(query))
}

/** What the pad answers at rest, and for each press that was heard what it answered instead. */
function answersOf(
  heard: HeardPolls,
  read: (exchange: Exchange) => Uint8Array | null,
  keys: number,
): Result<Answers, LearnRefusal> {
  const resting = heard.idle.map(read).filter(answer => answer !== null)
  const idle = mostCommon(resting)
  if (!idle) return refuse('pad-silent')
  if (idle.count < resting.length * IDLE_SHARE_MIN) return refuse('answer-unsteady')
  const pressed: FoundFrame[] = []
  for (const [press, { key, exchanges }] of heard.presses.entries()) {
    const changed = exchanges.map(read).filter(answer => answer !== null && !isSame(answer, idle.bytes))
    const most = mostCommon(changed as Uint8Array[])
    if (most) pressed.push({ press, key, address: null, atMs: exchanges[0]!.atMs, bytes: most.bytes })
  }
  if (pressed.length === 0) return refuse('keys-alike')
  for (let key = 0; key < keys; key++) {
    const own = pressed.filter(frame => frame.key === key)
    if (own.length < PRESSES_MIN) return refuse('key-not-heard', [key])
    const others = pressed.filter(frame => frame.key !== key)
    const usual = mostCommon(own.map(({ bytes }) => bytes))!
    if (usual.count < PRESSES_MIN) return refuse('key-not-repeated', [key])
    if (others.some(({ bytes }) => isSame(bytes, usual.bytes))) return refuse('keys-alike')
    if (usual.count < own.length) return refuse('press-contradicts', [key])
  }
  if (pressed.some(({ bytes }) => bytes.length !== idle.bytes.length)) return refuse('framing-unknown')
  return ok({ pressed, idle: idle.bytes })
}

const isSame = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0

function mostCommon(all: readonly Uint8Array[]): { bytes: Uint8Array; count: number } | undefined {
  let best: { bytes: Uint8Array; count: number } | undefined
  for (const bytes of all) {
    const count = all.filter(one => isSame(one, bytes)).length
    if (!best || count > best.count) best = { bytes, count }
  }
  return best
}

function draftAndVerify(
  heard: HeardPolls,
  found: FoundAnswer,
  query: DraftQuery,
  options: LearnOptions,
): Result<Learnt, LearnRefusal> {
  const told: FoundAnswer = { ...found, facts: [...factsOf(query), ...found.facts] }
  const profileText = draftPolls(told, query, {
    ...options,
    schema: options.schema ?? '../profile.schema.generated.json',
    source: options.source ?? 'chuangping pad learn',
  })
  const hash = createHash('sha256').update(profileText).digest('hex')
  const parsed = parseProfile(profileText, { path: options.id, folder: options.id, hash })
  if (!parsed.ok) return refuse('framing-unknown', [], parsed.error.detail)
  const profile = parsed.value
  const missed: number[] = []
  for (const [i, { key, exchanges }] of heard.presses.entries()) {
    const grades = new Set(exchanges.flatMap(exchange => gradesIn(profile, exchange)))
    if (grades.size === 0) missed.push(i)
    else if (grades.size > 1 || !grades.has(options.grades[key]!)) return refuse('press-contradicts', [key])
  }
  if (heard.idle.some(exchange => gradesIn(profile, exchange).length > 0)) return refuse('key-while-idle')
  const keys = found.keys.map(({ key, raw }) => ({ key, raw, grade: options.grades[key]! }))
  return ok({
    profile,
    profileText,
    goldenText: draftPollsGolden(profile, heard),
    keys,
    direction: directionOf(keys),
    facts: told.facts,
    doubts: told.doubts,
    pressesHeard: heard.presses.length - missed.length,
    pressesMissed: missed,
    bytesNotUnderstood: 0,
  })
}

/** The single faces that an answer says are down. */
function gradesIn(profile: Profile, exchange: Exchange): string[] {
  const codec = createPadCodec(profile)
  return replayExchange(profile, exchange, codec).flatMap(output => {
    if (output.kind !== 'frame') return []
    const { event } = output
    const meant = event.kind === 'keys' && event.down.length === 1 ? codec.keyEvent(event.down[0]!) : event
    return meant.kind === 'key' ? [meant.grade] : []
  })
}

function factsOf({ bytes, isEchoed }: DraftQuery): Text[] {
  const hex = formatBytes(bytes)
  return [
    { zh: `必须查询：${hex}`, en: `it has to be asked: ${hex}` },
    ...(isEchoed ? [{ zh: '线路会回显发出的字节', en: 'the line brings back what is sent' }] : []),
  ]
}
