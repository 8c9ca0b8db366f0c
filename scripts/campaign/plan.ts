import { GRADES, type Grade } from '#protocol/grades.ts'
import { createSeededRandom, type SeededRandom } from '#test/sim/seeded-random.ts'

/**
 * What a world is made of and what happens to it, drawn from one number before anything runs: nothing that
 * happens on the way, and no tool that is missing, changes what is drawn after it.
 */
export interface WorldPlan {
  seed: number
  broker: 'mosquitto' | 'embedded'
  boxes: readonly { windows: readonly { profile: string }[] }[]
  /** Chance that a window serves somebody in a round. The nearly silent box is the hardest: nothing else moves a queue that is stuck. */
  load: number
  /** Kinds of fault that this world knows: about half of them, so that none hides behind another. */
  kinds: readonly string[]
}

export const BEHAVIOURS = ['press', 'change-mind', 'impatient', 'walk-away', 'cancelled'] as const
export type Behaviour = (typeof BEHAVIOURS)[number]

export interface PlannedSession {
  kind: 'session'
  startMs: number
  box: number
  window: number
  behaviour: Behaviour
  /** The first is pressed first; only who changes their mind presses the second. */
  grades: readonly [Grade, Grade]
  thinkMs: number
}

export interface PlannedFault {
  kind: 'fault'
  startMs: number
  name: string
  /** Which box, or which of two sides: each kind takes it modulo what it has. */
  target: number
  holdMs: number
  /** How many rounds it outlasts the one it began in. */
  rounds: number
  /** Anything else the kind has to choose. */
  draw: number
}

export interface RoundPlan {
  steps: readonly (PlannedSession | PlannedFault)[]
  /** After this round the faults stop, and everything has to come to rest. */
  isHealed: boolean
}

const PROFILES = ['generic-rs485-four-key', 'generic-rs485-four-key', 'generic-pj06'] as const
const LOADS = [0.05, 0.4, 0.8] as const
const FAULTS_PER_ROUND = [0, 1, 1, 2, 2, 3] as const
const LASTING_SHARE = 0.2
const LASTING_ROUNDS_MAX = 6
const HEAL_SHARE = 0.12
const START_MS_MAX = 400
const HOLD_MS_MAX = 900
const THINK_MS_MAX = 120

/**
 * Faults that one world does not know together, because no promise covers both. A box whose disk is nearly full makes
 * room with entries it has a receipt for; a centre that then goes back to a backup from before that receipt misses
 * them for ever, and says so as a gap.
 */
const APART = ['agent-disk-full', 'collector-restored'] as const

/** The world of a seed. `all` are the kinds there are; `only` makes it know just these. */
export function planWorld(seed: number, all: readonly string[], only: readonly string[] = []): WorldPlan {
  const random = createSeededRandom(seed)
  const broker = random.pick(['mosquitto', 'embedded'] as const)
  const boxes = Array.from({ length: 1 + random.below(3) }, () => ({
    windows: Array.from({ length: 1 + random.below(2) }, () => ({ profile: random.pick(PROFILES) })),
  }))
  const load = random.pick(LOADS)
  const some = all.filter(() => random.chance(0.5))
  const leftOut = APART.every(name => some.includes(name)) ? random.pick(APART) : undefined
  const drawn = some.filter(name => name !== leftOut)
  return { seed, broker, boxes, load, kinds: only.length > 0 ? only : drawn }
}

/** What happens in round `round` (from 0) of a world; each round has randomness of its own. */
export function planRound(world: WorldPlan, round: number): RoundPlan {
  const random = createSeededRandom(Math.imul(world.seed, 0x9e3779b1) ^ Math.imul(round + 1, 0x85ebca6b))
  const sessions = world.boxes.flatMap(({ windows }, box) =>
    windows.flatMap((_, window) => {
      const session = drawSession(random, box, window)
      return random.chance(world.load) ? [session] : []
    }),
  )
  const count = world.kinds.length === 0 ? 0 : random.pick(FAULTS_PER_ROUND)
  const faults = Array.from({ length: count }, () => drawFault(random, world.kinds))
  const steps = [...sessions, ...faults].sort((a, b) => a.startMs - b.startMs)
  return { steps, isHealed: random.chance(HEAL_SHARE) }
}

function drawSession(random: SeededRandom, box: number, window: number): PlannedSession {
  return {
    kind: 'session',
    startMs: random.below(START_MS_MAX),
    box,
    window,
    behaviour: random.chance(0.75) ? 'press' : random.pick(BEHAVIOURS),
    grades: [random.pick(GRADES), random.pick(GRADES)],
    thinkMs: random.below(THINK_MS_MAX),
  }
}

function drawFault(random: SeededRandom, kinds: readonly string[]): PlannedFault {
  return {
    kind: 'fault',
    startMs: random.below(START_MS_MAX + 200),
    name: random.pick(kinds),
    target: random.below(60),
    holdMs: 20 + random.below(HOLD_MS_MAX),
    rounds: random.chance(LASTING_SHARE) ? 1 + random.below(LASTING_ROUNDS_MAX) : 0,
    draw: random.below(1_000_000) / 1_000_000,
  }
}
