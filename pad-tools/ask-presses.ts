import { ok, type Result } from '#protocol/result.ts'
import { learnByAsking } from './ask-polls.ts'
import type { LearntLine } from './draft-profile.ts'
import { divideTrace, type Heard, PRESSES_PER_KEY } from './heard.ts'
import { learn } from './learn.ts'
import { BAUDS, type Listening, PARITIES, rankLines, type ScoredLine, type TriedLine } from './line-settings.ts'
import { type LearntLive, type LiveDeps, type LiveFault, learnInRounds, pressOrder } from './live.ts'
import type { OpenPort } from './open-port.ts'
import { refuse } from './refusals.ts'
import type { TraceLine } from './trace.ts'

const SILENT_PRESSES_MAX = 3

/**
 * Learns the pad on a port with the help of the person who presses its faces in the order asked. A pad that says
 * nothing then is asked, with queries that only read.
 */
export async function learnLive(deps: LiveDeps): Promise<Result<LearntLive, LiveFault>> {
  const learnt = deps.queries.length > 0 ? refuse('pad-silent') : await learnByListening(deps)
  return !learnt.ok && learnt.error.code === 'pad-silent' ? await learnByAsking(deps) : learnt
}

async function learnByListening(deps: LiveDeps): Promise<Result<LearntLive, LiveFault>> {
  const found = await findLine(deps)
  if (!found.ok) return found
  const { line, rivals } = found.value
  const opened = await deps.open(line)
  if (!opened.ok) return opened
  try {
    return await listenAndLearn(deps, opened.value, line, rivals)
  } finally {
    await opened.value.close()
  }
}

async function listenAndLearn(deps: LiveDeps, port: OpenPort, line: LearntLine, rivals: readonly ScoredLine[]) {
  const { options, addresses } = deps
  const trace: TraceLine[] = []
  const [address, otherAddress] = addresses
  if (address !== undefined) trace.push({ kind: 'mark', mark: { kind: 'address', address } })
  const order = pressOrder(deps)
  for (const [i, key] of order.entries()) {
    if (i === PRESSES_PER_KEY && !trace.some(({ kind }) => kind === 'from-pad')) return refuse('pad-silent')
    if (i === options.grades.length * PRESSES_PER_KEY) {
      deps.person.say({ zh: '现在打乱顺序再按一遍，用来核对。', en: 'Now once more in another order, as a check.' })
    }
    await askPress(deps, port, key, trace)
  }
  if (otherAddress !== undefined) {
    deps.person.say({ zh: `请把评价器的地址改为 ${otherAddress}。`, en: `Set the pad's address to ${otherAddress}.` })
    trace.push({ kind: 'mark', mark: { kind: 'address', address: otherAddress } })
    await askPress(deps, port, 0, trace)
  }
  const again = (key: number) => askPress(deps, port, key, trace)
  return await learnInRounds({ ...deps, line, trace, rivals, askPress: again, isOpen: port.isOpen }, () =>
    learn(heardOf(trace, options.grades.length), { ...options, line }),
  )
}

function heardOf(trace: readonly TraceLine[], keys: number): Heard {
  const divided = divideTrace(trace, keys)
  if (!divided.ok) throw new Error('a trace with marks can always be divided')
  return divided.value
}

async function askPress({ person, patience, options }: LiveDeps, port: OpenPort, key: number, trace: TraceLine[]) {
  record(port, trace)
  const count = options.grades.length
  person.say({
    zh: `请按第 ${key + 1} 个键（1 为最满意，${count} 为最不满意）`,
    en: `Press key ${key + 1} (1 is the best face, ${count} the worst)`,
  })
  trace.push({ kind: 'mark', mark: { kind: 'key', key: key + 1 } })
  if (await port.heard(patience.pressMs)) await port.still(patience.stillMs, patience.pressMsMax)
  record(port, trace)
  trace.push({ kind: 'mark', mark: { kind: 'idle' } })
}

function record(port: OpenPort, trace: TraceLine[]) {
  for (const chunk of port.take()) trace.push({ kind: 'from-pad', ...chunk })
}

/** Listens under one setting after the other while the best face is pressed; parity is looked for once a speed is. */
async function findLine(
  deps: LiveDeps,
): Promise<Result<{ line: LearntLine; rivals: readonly ScoredLine[] }, LiveFault>> {
  const { baud, parity } = deps.fixed
  if (baud !== undefined && parity !== undefined) return ok({ line: { baud, parity }, rivals: [] })
  deps.person.say({
    zh: '正在寻找波特率：请反复按第 1 个键（最满意的那个），大约每秒一次，直到提示停止。',
    en: 'Looking for the speed: press key 1 (the best face) again and again, about once a second, until told to stop.',
  })
  const bauds = baud === undefined ? BAUDS : [baud]
  const first = await listenAll(
    deps,
    bauds.map(one => ({ baud: one, parity: parity ?? 'none' })),
  )
  if (!first.ok) return first
  let heard = first.value
  if (parity === undefined) {
    // A pad with parity is heard without it too, only with holes; so the likely speeds are listened to again.
    const likely = likelyBauds(heard)
    const more = await listenAll(
      deps,
      (likely.length > 0 ? likely : bauds).flatMap(one => WITH_PARITY.map(name => ({ baud: one, parity: name }))),
    )
    if (!more.ok) return more
    heard = [...heard, ...more.value]
  }
  deps.person.say({ zh: '可以停了。', en: 'You can stop.' })
  const { ranked, rivals } = rankLines(heard)
  const [best] = ranked
  if (!best || best.score === 0)
    return heard.some(({ chunks }) => chunks.length > 0) ? refuse('noise') : refuse('pad-silent')
  return ok({ line: { baud: best.baud, parity: best.parity }, rivals })
}

const WITH_PARITY = PARITIES.filter(name => name !== 'none')

function likelyBauds(heard: readonly Listening[]): number[] {
  const { ranked, rivals } = rankLines(heard)
  return [...ranked.slice(0, 1), ...rivals].filter(({ score }) => score > 0).map(({ baud }) => baud)
}

async function listenAll(deps: LiveDeps, lines: readonly TriedLine[]): Promise<Result<Listening[], LiveFault>> {
  const heard: Listening[] = []
  for (const line of lines) {
    const opened = await deps.open(line)
    if (!opened.ok) return opened
    const port = opened.value
    const chunks: Listening['chunks'][number][] = []
    for (let press = 0; press < SILENT_PRESSES_MAX; press++) {
      if (!(await port.heard(deps.patience.listenMs))) break
      await port.still(Math.min(deps.patience.stillMs, 250), deps.patience.listenMs)
      chunks.push(...port.take())
    }
    await port.close()
    heard.push({ ...line, chunks })
  }
  return ok(heard)
}
