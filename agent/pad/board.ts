import { durationMs } from '#runtime/duration.ts'
import type { BoardFile, PatternFile } from './board-schema.ts'
import { type ByteList, numberOf, parseBytes } from './bytes.ts'
import type { KeyMeaning } from './grade-table.ts'

/** A microcontroller board as its driver uses it: pins, levels and milliseconds. */
export interface Board {
  readonly firmware: BoardFile['firmware']
  /** In the order of the file; `meaning` already follows what the site says. */
  readonly keys: readonly {
    readonly pin: number
    readonly raw: number
    readonly bytes: ByteList
    readonly meaning: KeyMeaning
  }[]
  /** True where a pressed key joins its pin to ground. */
  readonly isPressedLow: boolean
  readonly isPulledUp: boolean
  readonly debounceMs: number
  /** Keys count only after the board has been quiet for so long. */
  readonly settleMs: number
  readonly lamps: readonly number[]
  readonly isLampLitHigh: boolean
  readonly buzzer: number | null
  readonly patterns: Readonly<Record<'ask' | 'thank' | 'idle', Pattern | null>>
}

export interface Pattern {
  readonly steps: readonly PatternStep[]
  readonly isRepeated: boolean
}

export interface PatternStep {
  /** Pins of the lamps that are lit; all others are dark. */
  readonly lamps: readonly number[]
  readonly isBuzzing: boolean
  /** Null: until something else is shown. */
  readonly forMs: number | null
}

export function compileBoard(file: BoardFile): Board {
  return {
    firmware: file.firmware,
    keys: Object.entries(file.keys).map(([pin, raw]) => {
      const found = Object.entries(file.grades).find(([text]) => text.toUpperCase() === raw.toUpperCase())
      const bytes = parseBytes(raw)
      return { pin: Number(pin), raw: numberOf(bytes), bytes, meaning: found ? found[1] : 'unmapped' }
    }),
    isPressedLow: (file.pressed ?? 'low') === 'low',
    isPulledUp: file.pullUp ?? true,
    debounceMs: durationMs(file.debounce ?? '15ms'),
    settleMs: durationMs(file.settle ?? '500ms'),
    lamps: file.lamps ?? [],
    isLampLitHigh: (file.lampsLit ?? 'high') === 'high',
    buzzer: file.buzzer ?? null,
    patterns: {
      ask: compilePattern(file.patterns.ask),
      thank: compilePattern(file.patterns.thank),
      idle: compilePattern(file.patterns.idle),
    },
  }
}

function compilePattern(file: PatternFile | undefined): Pattern | null {
  if (!file) return null
  return {
    isRepeated: file.repeat ?? false,
    steps: file.steps.map(step => ({
      lamps: step.lamps,
      isBuzzing: step.buzzer ?? false,
      forMs: step.for ? durationMs(step.for) : null,
    })),
  }
}
