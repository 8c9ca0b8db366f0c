import type { FieldStep } from './field-step.ts'

const ANY = -1

/**
 * What stands before the rest of a layout, as a row of bytes that are fixed or open. A good frame is recognised by
 * one pass over that row; only fields that need more than a comparison are left to be judged.
 */
export function createLead(steps: readonly FieldStep[], count: number) {
  const first = steps.slice(0, count)
  const wanted = Int16Array.from(first.flatMap(fixedBytesOf))
  const restricted = first
    .filter(({ allowed }) => allowed.length > 0)
    .map(({ offset, allowed }) => ({ offset, allowed }))
  return {
    /** Indexes of the fields that a row of bytes cannot tell. */
    open: first.flatMap((step, i) => (isOpen(step) ? [i] : [])),
    /** Whether all of it is there, with every byte that is fixed or restricted as it must be. */
    fits(bytes: Uint8Array, start: number, end: number): boolean {
      if (end - start < wanted.length) return false
      for (let i = 0; i < wanted.length; i++) if (wanted[i]! >= 0 && wanted[i] !== bytes[start + i]) return false
      for (let i = 0; i < restricted.length; i++) {
        const { offset, allowed } = restricted[i]!
        if (!allowed[bytes[start + offset]!]) return false
      }
      return true
    },
  }
}

function fixedBytesOf(step: FieldStep): number[] {
  if (step.is === 'constant') return [...step.bytes]
  return new Array<number>(step.size).fill(ANY)
}

function isOpen(step: FieldStep): boolean {
  return step.is === 'length' || step.is === 'repeat' || step.is === 'checksum'
}
