import Type from 'typebox'

/**
 * The five grades of 政务服务“好差评”, best first. Always these names: numbers exist only in the
 * mapping table of a pad profile or of a province, because scales run in both directions out there.
 */
export const GRADES = ['very-satisfied', 'satisfied', 'fairly-satisfied', 'dissatisfied', 'very-dissatisfied'] as const
export type Grade = (typeof GRADES)[number]

export const GradeSchema = Type.Enum([...GRADES], { title: '评价等级 Grade' })

export const GRADE_LABELS: Readonly<Record<Grade, { zh: string; en: string }>> = {
  'very-satisfied': { zh: '非常满意', en: 'Very satisfied' },
  satisfied: { zh: '满意', en: 'Satisfied' },
  'fairly-satisfied': { zh: '基本满意', en: 'Fairly satisfied' },
  dissatisfied: { zh: '不满意', en: 'Dissatisfied' },
  'very-dissatisfied': { zh: '非常不满意', en: 'Very dissatisfied' },
}

/** 差评: the two grades that open a rectification loop. */
export function isBad(grade: Grade): boolean {
  return grade === 'dissatisfied' || grade === 'very-dissatisfied'
}

/** How a rating came to be (来源). Fixed at capture. */
export const PROVENANCES = ['pad', 'screen', 'qr', 'phone', 'paper', 'default', 'imported'] as const
export type Provenance = (typeof PROVENANCES)[number]

/** How a prompt ended (结果), exactly one of these. */
export const OUTCOMES = ['rated', 'declined', 'timed-out', 'cancelled', 'pad-unavailable'] as const
export type Outcome = (typeof OUTCOMES)[number]
