import { type Checksum, createChecksum } from './checksum.ts'
import type { Field, Layout } from './frame.ts'

/**
 * One field as the matcher judges it. Every step has every property, in one order: the engine reads objects of
 * one shape several times faster than those of seven, and this is done for each byte that a pad sends.
 */
export interface FieldStep {
  readonly is: Field['is']
  readonly offset: number
  readonly isAfterRest: boolean
  /** Bytes; -1 for the rest. */
  readonly size: number
  readonly bytes: Uint8Array
  /** For each byte whether a value may be it; empty where it may be any. */
  readonly allowed: readonly boolean[]
  /** Index of the field repeated. */
  readonly of: number
  readonly unitBytes: number
  readonly adjust: number
  readonly countedBytes: number
  readonly isRestCounted: boolean
  readonly isLittle: boolean
  readonly isDecimal: boolean
  readonly isHex: boolean
  readonly isOverWire: boolean
  readonly from: number
  readonly to: number
  readonly checksum: Checksum
}

const NONE = createChecksum('sum8')

export function stepsOf(layout: Layout): FieldStep[] {
  return layout.fields.map(field => {
    const length = field.is === 'length' ? field : null
    const checksum = field.is === 'checksum' ? field : null
    return {
      is: field.is,
      offset: field.offset,
      isAfterRest: field.isAfterRest,
      size: field.size,
      bytes: Uint8Array.from(field.is === 'constant' ? field.bytes : []),
      allowed: (field.is === 'value' && field.allowed) || [],
      of: field.is === 'repeat' ? field.of : 0,
      unitBytes: length?.unitBytes ?? 1,
      adjust: length?.adjust ?? 0,
      countedBytes: length?.countedBytes ?? 0,
      isRestCounted: length?.isRestCounted ?? false,
      isLittle: length?.isLittle ?? checksum?.isLittle ?? false,
      isDecimal: length?.isDecimal ?? false,
      isHex: checksum?.isHex ?? false,
      isOverWire: checksum?.isOverWire ?? false,
      from: checksum?.from ?? 0,
      to: checksum?.to ?? 0,
      checksum: checksum ? createChecksum(checksum.algorithm, checksum.crc ?? undefined) : NONE,
    }
  })
}

/** The size of the rest that a length of this value leaves. */
export function restBytesOf(step: Pick<FieldStep, 'adjust' | 'unitBytes' | 'countedBytes'>, value: number): number {
  return (value - step.adjust) * step.unitBytes - step.countedBytes
}

/** What a length holds when the rest has so many bytes; not a whole number where words do not fit. */
export function lengthOf(
  step: Pick<FieldStep, 'adjust' | 'unitBytes' | 'countedBytes' | 'isRestCounted'>,
  restBytes: number,
): number {
  return (step.countedBytes + (step.isRestCounted ? restBytes : 0)) / step.unitBytes + step.adjust
}
