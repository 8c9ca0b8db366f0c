import { fail, ok, type Result } from '#protocol/result.ts'
import type { Chunk, TraceLine } from './trace.ts'

/** One press of a face and what the pad sent from then on until the next was asked for. */
export interface Press {
  /** 0 is the face asked for first, the best. */
  readonly key: number
  /** What the pad's address was set to; null where nobody said. */
  readonly address: number | null
  readonly chunks: readonly Chunk[]
}

/** Everything that learning a pad is based on. */
export interface Heard {
  readonly presses: readonly Press[]
  /** What came while nobody pressed: heartbeats, noise. */
  readonly idle: readonly Chunk[]
}

/** A pause so long parts two presses where nobody marked them. */
const BETWEEN_PRESSES_MS = 700
export const PRESSES_PER_KEY = 3

export interface UnmarkedFault {
  code: 'trace-not-divisible'
  detail: string
}

/**
 * Divides a trace into presses: by its marks, else by its pauses. Without marks it has to be what learning asks
 * for: every face three times, from the best to the worst; what follows is taken for further presses of unknown
 * keys and left out.
 */
export function divideTrace(lines: readonly TraceLine[], keys: number): Result<Heard, UnmarkedFault> {
  const isMarked = lines.some(line => line.kind === 'mark' && line.mark.kind === 'key')
  return isMarked ? ok(divideByMarks(lines)) : divideByPauses(lines, keys)
}

function divideByMarks(lines: readonly TraceLine[]): Heard {
  const presses: (Press & { chunks: Chunk[] })[] = []
  const idle: Chunk[] = []
  let into = idle
  let address: number | null = null
  for (const line of lines) {
    if (line.kind === 'from-pad') into.push({ atMs: line.atMs, bytes: line.bytes })
    if (line.kind !== 'mark') continue
    if (line.mark.kind === 'idle') into = idle
    else if (line.mark.kind === 'address') address = line.mark.address
    else {
      into = []
      presses.push({ key: line.mark.key - 1, address, chunks: into })
    }
  }
  return { presses, idle }
}

function divideByPauses(lines: readonly TraceLine[], keys: number): Result<Heard, UnmarkedFault> {
  const bursts: Chunk[][] = []
  let lastMs = Number.NEGATIVE_INFINITY
  for (const line of lines) {
    if (line.kind !== 'from-pad') continue
    if (line.atMs - lastMs >= BETWEEN_PRESSES_MS) bursts.push([])
    bursts.at(-1)!.push({ atMs: line.atMs, bytes: line.bytes })
    lastMs = line.atMs
  }
  const wanted = keys * PRESSES_PER_KEY
  if (bursts.length < wanted) {
    return fail(
      'trace-not-divisible',
      `${bursts.length} presses are parted by a pause of ${BETWEEN_PRESSES_MS} ms; ${wanted} are needed, or marks such as "# key 1"`,
    )
  }
  const presses = bursts
    .slice(0, wanted)
    .map((chunks, i): Press => ({ key: Math.floor(i / PRESSES_PER_KEY), address: null, chunks }))
  return ok({ presses, idle: [] })
}
