import type { Measurement, RowPlan } from './measurement.ts'
import { median } from './statistics.ts'
import type { Workplace } from './workplace.ts'

/** One line of the result; exactly what `--json` prints. */
export interface Row {
  name: string
  value: number
  unit: string
  reference: number
  /** value / reference; null when the reference was too small to be seen. */
  ratio: number | null
  goal: number | null
  /** Whether the ratio keeps to the goal; null when there is no goal, or no ratio. */
  ok: boolean | null
}

/** The figures of all rounds as one row: medians, their ratio, and the goal. */
export function judge(plan: RowPlan, ours: readonly number[], references: readonly number[]): Row {
  const { name, unit, better, goal } = plan
  const [value, reference] = [median(ours), median(references)]
  const ratio = reference > 0 ? value / reference : null
  const isMet = goal === null || ratio === null ? null : better === 'lower' ? ratio <= goal : ratio >= goal
  return {
    name,
    value: rounded(value),
    unit,
    reference: rounded(reference),
    ratio: ratio === null ? null : rounded(ratio),
    goal,
    ok: isMet,
  }
}

const rounded = (value: number) => Number(value.toPrecision(4))

/** Measures in turn with the reference, A B A B …, so that whatever drifts meets both. */
export async function measure(
  measurement: Pick<Measurement, 'rows' | 'prepare'>,
  options: { rounds: number; place: Workplace; onRound?(round: number): void },
): Promise<Row[]> {
  const { rounds, place, onRound = () => {} } = options
  const ours: (readonly number[])[] = []
  const references: (readonly number[])[] = []
  const subject = await measurement.prepare(place)
  try {
    for (let round = 1; round <= rounds; round++) {
      onRound(round)
      ours.push(await subject.ours(round))
      references.push(await subject.reference(round))
    }
  } finally {
    await subject.close()
  }
  const column = (figures: readonly (readonly number[])[], i: number) => figures.map(row => row[i]!)
  return measurement.rows.map((plan, i) => judge(plan, column(ours, i), column(references, i)))
}
