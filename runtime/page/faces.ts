import type { Grade } from '#protocol/grades.ts'

/** A drawn face in a circle of radius 40 around 0,0: eyes alike for all, only the mouth tells the grade. */
export interface Face {
  mouth: string
  /** The mouth is an area, not a line. */
  isOpen: boolean
}

/** Told apart by shape alone, for those who do not see the colours. */
export const FACES: Readonly<Record<Grade, Face>> = {
  'very-satisfied': { mouth: 'M-20 6h40a20 20 0 0 1-40 0z', isOpen: true },
  satisfied: { mouth: 'M-19 9a20 17 0 0 0 38 0', isOpen: false },
  'fairly-satisfied': { mouth: 'M-17 14q17 6 34 0', isOpen: false },
  dissatisfied: { mouth: 'M-17 21a20 15 0 0 1 34 0', isOpen: false },
  'very-dissatisfied': { mouth: 'M-19 25a19 19 0 0 1 38 0z', isOpen: true },
}
