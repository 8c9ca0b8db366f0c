import type { Grade } from '#protocol/grades.ts'

/** A key that went over the wire. `isSure` is false where a bad line may have made another byte of it. */
export interface PressedKey {
  grade: Grade
  isThanked: boolean
  isSure: boolean
}

/** One citizen at one window, as seen from outside: what was asked for, what was pressed, what the pad said. */
export interface Session {
  box: string
  case: string
  /** The prompt the box said it opened; undefined when its answer did not come. */
  prompt?: string
  /** The box refused: it told the clerk why, and there must be no prompt. */
  refused?: string
  pressed: PressedKey[]
  /** Thank-yous seen after a key of a bad line, which nobody can say which key they were for. */
  unsureThanks: number
}

/** One rating or correction at the centre, in its order. */
export interface ArrivedRating {
  case: string
  grade: Grade | null
}

/** One prompt at the centre. */
export interface ArrivedPrompt {
  case: string
  prompt: string
  outcome: string | null
}

export interface Verdict {
  lost: number
  doubled: number
  wrong: number
  /** Prompts that have no end, or another one than their ratings say, or that are missing. */
  unbalanced: number
  /** What is the matter, a line each. */
  details: string[]
}

/**
 * The disk did not say whether it took the prompt. It may be there after the restart, which then closes it; the
 * clerk was told that the box is out of service, and nobody was asked.
 */
const UNKNOWN = 'out-of-service'

export const CLEAN: Readonly<Omit<Verdict, 'details'>> = { lost: 0, doubled: 0, wrong: 0, unbalanced: 0 }

/**
 * Compares what was pressed with what arrived. What arrived of a prompt must be what was pressed there, in that
 * order, each key once; keys nobody was thanked for may be missing, and before everything has come to rest
 * (`isAtRest` false) so may the others.
 */
export function judge(
  sessions: readonly Session[],
  arrived: { ratings: readonly ArrivedRating[]; prompts: readonly ArrivedPrompt[] },
  isAtRest: boolean,
): Verdict {
  const verdict: Verdict = { ...CLEAN, details: [] }
  const ratings = Map.groupBy(arrived.ratings, rating => rating.case)
  const prompts = Map.groupBy(arrived.prompts, prompt => prompt.case)
  for (const session of sessions) {
    const rows = ratings.get(session.case) ?? []
    judgeRatings(session, rows, isAtRest, verdict)
    judgePrompts(session, prompts.get(session.case) ?? [], rows.length > 0, isAtRest, verdict)
    ratings.delete(session.case)
    prompts.delete(session.case)
  }
  for (const [name, rows] of ratings) add(verdict, 'wrong', rows.length, `${name}: rated, and nobody was asked`)
  for (const name of prompts.keys()) add(verdict, 'unbalanced', 1, `${name}: a prompt that nobody made`)
  return verdict
}

function judgeRatings(session: Session, rows: readonly ArrivedRating[], isAtRest: boolean, verdict: Verdict) {
  const { pressed } = session
  const found = match(pressed, rows)
  if (rows.length > pressed.length) {
    return add(verdict, 'doubled', rows.length - pressed.length, `${session.case}: more ratings than were pressed`)
  }
  if (!found) {
    return add(verdict, 'wrong', 1, `${session.case}: what arrived is not what was pressed ${told(session, rows)}`)
  }
  if (!isAtRest) return
  const thanked = pressed.filter(key => key.isThanked).length
  const missing = Math.max(thanked - found.thanked, thanked + session.unsureThanks - rows.length)
  if (missing > 0) add(verdict, 'lost', missing, `${session.case}: thanked for and not arrived ${told(session, rows)}`)
}

/** How many thanked keys the rows account for, when they can be these keys in this order; else undefined. */
function match(pressed: readonly PressedKey[], rows: readonly ArrivedRating[]): { thanked: number } | undefined {
  if (rows.length === 0) return { thanked: 0 }
  if (pressed.length < rows.length) return undefined
  const [key, ...later] = pressed
  const taken = key!.grade === rows[0]!.grade ? match(later, rows.slice(1)) : undefined
  const withKey = taken && { thanked: taken.thanked + Number(key!.isThanked) }
  const without = match(later, rows)
  if (!withKey || !without) return withKey ?? without
  return withKey.thanked >= without.thanked ? withKey : without
}

function judgePrompts(
  session: Session,
  rows: readonly ArrivedPrompt[],
  isRated: boolean,
  isAtRest: boolean,
  verdict: Verdict,
) {
  const wrong = (what: string) => add(verdict, 'unbalanced', 1, `${session.case}: ${what}`)
  if (rows.length > 1) return wrong(`${rows.length} prompts`)
  const [row] = rows
  if (!row) {
    if (isAtRest && session.prompt && !session.refused) wrong('the prompt never arrived')
    return
  }
  if (session.refused && session.refused !== UNKNOWN)
    return wrong(`refused as ${session.refused}, and there is a prompt`)
  if (session.prompt && session.prompt !== row.prompt) return wrong('another prompt than the box said')
  if (!isAtRest) return
  if (row.outcome === null) wrong('the prompt has no end')
  else if ((row.outcome === 'rated') !== isRated) wrong(`ended as ${row.outcome}, ${isRated ? '' : 'not '}rated`)
}

function add(verdict: Verdict, kind: keyof typeof CLEAN, count: number, detail: string) {
  verdict[kind] += count
  verdict.details.push(`${kind}: ${detail}`)
}

/** For the reader of a failed campaign; its grades belong to nobody. */
function told({ pressed, unsureThanks }: Session, rows: readonly ArrivedRating[]): string {
  const keys = pressed.map(key => `${key.grade}${key.isThanked ? ' thanked' : ''}${key.isSure ? '' : ' unsure'}`)
  const thanks = unsureThanks > 0 ? `, ${unsureThanks} unsure thanks` : ''
  return `(pressed: ${keys.join(', ') || 'none'}${thanks}; arrived: ${rows.map(row => row.grade).join(', ') || 'none'})`
}
