import Type from 'typebox'
import { GRADES } from '#protocol/grades.ts'
import { BYTES_PATTERN } from './bytes.ts'
import { Names } from './schema-words.ts'

/**
 * What a table of raw values may say: a grade, that the citizen declined, that the pad itself gave up waiting,
 * or that the site has to decide.
 */
export const KEY_MEANINGS = [...GRADES, 'declined', 'no-rating', 'unmapped'] as const
export type KeyMeaning = (typeof KEY_MEANINGS)[number]

export const GradeTableSchema = Names(
  BYTES_PATTERN,
  Type.Enum([...KEY_MEANINGS]),
  '原始值对应的评价等级 Raw value to grade, every value spelt out',
)
