import type { FaultKind } from './fault.ts'
import { FAULTS } from './faults/all.ts'
import { judge, type Session, type Verdict } from './ledger.ts'
import type { Tool } from './machine.ts'
import { type PlannedFault, type PlannedSession, planRound, type WorldPlan } from './plan.ts'
import { startWorld, type World } from './world.ts'

/** What became of a world. */
export interface WorldResult {
  rounds: number
  faults: Record<string, number>
  sessions: number
  pressed: number
  thanked: number
  arrived: number
  lost: number
  doubled: number
  wrong: number
  /** Gaps, findings, contradictions and refused batches that nothing explains, and prompts without their one end. */
  gaps: number
  stuck: number
  /** Ends in a stack trace: survived like any other end, but nobody meant them. */
  crashed: number
  /** Starts that were refused in words, and ends after an I/O error: what a full or failing disk is answered with. */
  gaveUp: number
  /** Journals begun anew. */
  renewed: number
  /** From the end of the faults until everything had come to rest, one for each time. */
  drainMs: number[]
  /** What is the matter, a line each; the grades in it belong to nobody. */
  failures: string[]
  crashes: string[]
}

export interface RunOptions {
  dir: string
  rounds: number
  tools: ReadonlySet<Tool>
  isBuilt: boolean
  /** Told after each round. */
  onRound(result: WorldResult): void
  /** Leaves stores and logs in `dir`. */
  isKept: boolean
  /** Wall time at which no further round begins. */
  untilMs: number
}

/** How long everything may take to come to rest, on the campaign's short times. */
const REST_MS_MAX = 45_000
const LOOK_EVERY_MS = 60
const LINES_TOLD = 25

interface Lasting {
  endsAfter: number
  end(): Promise<void>
}

/** Lives one world from its first round to its last. Stops at the first round that breaks a promise. */
export async function runWorld(plan: WorldPlan, options: RunOptions): Promise<WorldResult> {
  const result: WorldResult = {
    rounds: 0,
    faults: {},
    sessions: 0,
    pressed: 0,
    thanked: 0,
    arrived: 0,
    lost: 0,
    doubled: 0,
    wrong: 0,
    gaps: 0,
    stuck: 0,
    crashed: 0,
    gaveUp: 0,
    renewed: 0,
    drainMs: [],
    failures: [],
    crashes: [],
  }
  const world = await startWorld(plan, options)
  const sessions: Session[] = []
  const claimed = new Set<string>()
  let lasting: Lasting[] = []

  async function strike(planned: PlannedFault, round: number) {
    const kind = FAULTS.find(({ name }) => name === planned.name)!
    const claims = isPossible(kind) ? kind.claims(world, planned) : undefined
    if (!claims || claims.some(claim => claimed.has(claim))) return
    for (const claim of claims) claimed.add(claim)
    const disarm = await kind.arm(world, planned, () => {
      result.faults[kind.name] = (result.faults[kind.name] ?? 0) + 1
    })
    const end = async () => {
      await disarm()
      for (const claim of claims) claimed.delete(claim)
    }
    if (planned.rounds > 0) return void lasting.push({ endsAfter: round + planned.rounds, end })
    await wait(planned.holdMs)
    await end()
  }

  const isPossible = ({ needs }: FaultKind) => needs.every(tool => options.tools.has(tool))

  async function serve(planned: PlannedSession) {
    const name = `S${plan.seed}-${sessions.length + 1}-${planned.box}${planned.window}`
    const served = world.boxes[planned.box]!.windows[planned.window]!.serve(planned, name)
    // Known from the beginning: what a killed box had already written arrives before its citizen has gone.
    sessions.push(served.session)
    await served.gone
  }

  async function endLasting(isOver: (one: Lasting) => boolean) {
    const over = lasting.filter(isOver)
    lasting = lasting.filter(one => !over.includes(one))
    for (const { end } of over) await end()
  }

  /** A box that was told the time by a centre whose clock then jumped tells of two times; so it should. */
  const isClockBent = plan.kinds.includes('collector-clock-jumps')
  const unexplained = (anomalies: readonly string[]) =>
    anomalies.filter(anomaly => !(isClockBent && anomaly.includes('anchor-contradicts')))

  function count(verdict: Verdict, anomalies: readonly string[]) {
    result.lost += verdict.lost
    result.doubled += verdict.doubled
    result.wrong += verdict.wrong
    result.gaps += verdict.unbalanced + anomalies.length
    result.failures.push(...verdict.details, ...anomalies)
  }

  /** What must hold at every moment: what has arrived is right, and the centre has nothing to complain of. */
  function checkSafety() {
    const reading = world.centre.read()
    if (!reading) return
    result.arrived = reading.ratings.length
    result.renewed = reading.renewed
    count(judge(sessions, reading, false), unexplained(reading.anomalies))
    const crashed = world.endings.filter(({ kind }) => kind === 'crashed')
    result.crashed = crashed.length
    result.gaveUp = world.endings.length - crashed.length
    result.crashes = crashed.map(({ detail }) => detail)
  }

  /** Why it is not yet at rest; undefined when it is. */
  async function unrest(): Promise<string | undefined> {
    for (const box of world.boxes) {
      const state = await box.state()
      if (!state) return `${box.name} does not answer`
      if (state.link !== 'online') return `${box.name} has no link`
      if (state.backlog > 0) return `${box.name} has ${state.backlog} entries without a receipt`
      const pad = state.windows.find(window => window.pad.state !== 'ready')
      if (pad) return `${box.name} has a pad that is ${pad.pad.state}`
      if (state.windows.some(({ session }) => session.state === 'waiting')) return `${box.name} is still asking`
    }
    const reading = world.centre.read()
    if (!reading) return 'the store cannot be read'
    return reading.behind > 0 ? `the tables are ${reading.behind} entries behind` : undefined
  }

  /** A box that does not know yet that the centre went back to a backup believes that it has nothing to send. */
  function isAllThere(): boolean {
    const reading = world.centre.read()
    return reading !== undefined && judge(sessions, reading, true).details.length === 0
  }

  function stuck(why: string) {
    result.stuck += 1
    result.failures.push(`stuck: ${why}`)
  }

  /** The faults stop, and nothing else is touched: everything has to come to rest by itself, and be complete. */
  async function heal() {
    await endLasting(() => true)
    const startedMs = performance.now()
    for (;;) {
      const reason = await unrest()
      const tookMs = Math.round(performance.now() - startedMs)
      const isComplete = reason === undefined && isAllThere()
      if (isComplete) result.drainMs.push(tookMs)
      if (isComplete || tookMs > REST_MS_MAX) {
        if (reason !== undefined) stuck(`after ${tookMs} ms ${reason}`)
        break
      }
      await wait(LOOK_EVERY_MS)
    }
    const reading = world.centre.read()
    if (!reading) return
    result.arrived = reading.ratings.length
    count(judge(sessions, reading, true), unexplained(reading.anomalies))
  }

  async function verify() {
    const { faults, faultCount } = await world.centre.verify()
    result.gaps += faultCount
    result.failures.push(...faults.map(fault => `verify: ${JSON.stringify(fault)}`))
  }

  function tally() {
    const pressed = sessions.flatMap(session => session.pressed)
    result.sessions = sessions.length
    result.pressed = pressed.length
    const unsure = sessions.reduce((sum, session) => sum + session.unsureThanks, 0)
    result.thanked = pressed.filter(key => key.isThanked).length + unsure
  }

  try {
    for (let round = 0; round < options.rounds && Date.now() < options.untilMs; round++) {
      const { steps, isHealed } = planRound(plan, round)
      const startedMs = performance.now()
      await Promise.all(
        steps.map(async step => {
          await wait(Math.max(0, startedMs + step.startMs - performance.now()))
          await (step.kind === 'session' ? serve(step) : strike(step, round))
        }),
      )
      await endLasting(({ endsAfter }) => endsAfter <= round)
      result.rounds += 1
      checkSafety()
      if (result.failures.length === 0 && (isHealed || round + 1 === options.rounds)) await heal()
      tally()
      options.onRound(result)
      if (result.failures.length > 0) break
    }
    if (result.failures.length === 0) await heal()
    if (result.failures.length === 0) await verify()
    tally()
    if (result.failures.length > 0) tellStates(world, result)
    return result
  } finally {
    await endLasting(() => true)
    if (options.isKept) await world.keep(`${options.dir}/kept`)
    await world.stop()
  }
}

function tellStates(world: World, result: WorldResult) {
  for (const program of [world.centre.collector, ...world.boxes.map(({ agent }) => agent)]) {
    result.failures.push(
      ...program
        .lines()
        .slice(-LINES_TOLD)
        .map(line => `  ${program.name}  ${line}`),
    )
  }
}

const wait = (delayMs: number) => new Promise<void>(resolve => setTimeout(resolve, delayMs))
