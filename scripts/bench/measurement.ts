import type { Text } from '#runtime/language.ts'
import type { Workplace } from './workplace.ts'

/** One line of the result, before it is measured. */
export interface RowPlan {
  name: string
  /** What is measured. */
  title: Text
  /** What it is held against, measured in the same run. */
  against: Text
  unit: 'ms' | 'µs' | 'bytes' | 'MiB' | 's/min' | 'entries/s'
  /** Which way is better; the goal is a bound of the ratio on that side. */
  better: 'lower' | 'higher'
  /** The ratio to be reached; null where none is set. */
  goal: number | null
}

/** Something that is measured in rounds, each beside its reference. Several rows can come from the same rounds. */
export interface Measurement {
  name: string
  rows: readonly RowPlan[]
  /** Sets up what every round needs, off the clock. */
  prepare(place: Workplace): Promise<Subject>
}

/** Each of the two resolves with one figure per row, in the order of the rows. */
export interface Subject {
  ours(round: number): Promise<readonly number[]>
  reference(round: number): Promise<readonly number[]>
  close(): Promise<void>
}
