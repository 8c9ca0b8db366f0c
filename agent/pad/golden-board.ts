import type { Board, Pattern } from './board.ts'
import { type GoldenLine, type GoldenProblem, notKept } from './golden-line.ts'

const SHOWN = ['ask', 'thank', 'idle'] as const

/**
 * Plays the golden file of a board, whose lines speak of pins instead of bytes:
 *
 * `< pins 2 4   keys …   source`: these pins are at the level of a pressed key, all others are not.
 * `> ask   lamps 8 9 500ms | dark 500ms | again   source`: what is shown, step by step.
 */
export function playBoard(board: Board, lines: readonly GoldenLine[]): GoldenProblem[] {
  const problems: GoldenProblem[] = []
  const seen = new Set<string>()
  for (const line of lines) {
    const { sign, columns } = line
    const [what = '', expected = ''] = columns
    const found = sign === '<' ? describePins(board, what, seen) : describeShown(board, what, seen)
    if (found !== expected) problems.push(notKept(line, expected, found))
  }
  const wanted = [
    ...board.keys.map(({ pin, meaning }) => ({
      item: `pin ${pin}`,
      path: ['board', 'keys', `${pin}`],
      example: `< pins ${pin}   keys ${meaning}   source`,
    })),
    ...SHOWN.filter(name => board.patterns[name]).map(name => ({
      item: name,
      path: ['board', 'patterns', name],
      example: `> ${name}   ${describePattern(board.patterns[name]!)}   source`,
    })),
  ]
  const missing = wanted.filter(({ item }) => !seen.has(item))
  return [
    ...problems,
    ...missing.map(({ item, path, example }) => ({
      line: 0,
      column: 0,
      message: `no line shows ${item}; such a line is: ${example}`,
      path,
    })),
  ]
}

function describePins(board: Board, what: string, seen: Set<string>): string {
  const pins = what.split(' ').slice(1).map(Number)
  if (!what.startsWith('pins') || pins.some(Number.isNaN)) return `not understood: ${what}`
  const keys = pins.map(pin => board.keys.find(key => key.pin === pin))
  if (pins.length === 1) seen.add(`pin ${pins[0]}`)
  return `keys ${keys.map(key => key?.meaning ?? 'no-key').join(' + ') || 'none'}`
}

function describeShown(board: Board, what: string, seen: Set<string>): string {
  const name = SHOWN.find(candidate => candidate === what)
  const pattern = name && board.patterns[name]
  if (!pattern) return `not understood: ${what}`
  seen.add(name)
  return describePattern(pattern)
}

/** A pattern step by step, as a golden file writes it. */
export function describePattern({ steps, isRepeated }: Pattern): string {
  const written = steps.map(({ lamps, isBuzzing, forMs }) =>
    [
      lamps.length > 0 ? `lamps ${lamps.join(' ')}` : 'dark',
      ...(isBuzzing ? ['buzzer'] : []),
      ...(forMs === null ? [] : [`${forMs}ms`]),
    ].join(' '),
  )
  return [...written, ...(isRepeated ? ['again'] : [])].join(' | ')
}
