import type { ServiceRef } from '#protocol/entry.ts'
import type { Result } from '#protocol/result.ts'

const SERVICE_NUMBER_MAX = 99

/** GB/T 39046-2020 table 9: a case number is an..50. */
const CASE_NUMBER_LENGTH_MAX = 50

export type EntryFault = 'empty' | 'too-long' | 'white-space' | 'service-number'

/**
 * Reads what was typed or scanned: a case number, with `#2` or ` 2` behind it for another service than the chosen one.
 *
 * Full-width letters and digits, as a Chinese input method writes them, become plain ones.
 */
export function parseCaseEntry(text: string, chosenService: number): Result<ServiceRef, { code: EntryFault }> {
  const plain = text.normalize('NFKC').trim()
  if (plain === '') return fault('empty')
  const suffixed = /^(.*[^\s#])(?:\s*#\s*|\s+)(\d{1,2})$/.exec(plain)
  const caseNumber = suffixed?.[1] ?? plain
  const service = suffixed ? Number(suffixed[2]) : chosenService
  if (/[\s\p{C}]/u.test(caseNumber)) return fault('white-space')
  if ([...caseNumber].length > CASE_NUMBER_LENGTH_MAX) return fault('too-long')
  if (service < 1 || service > SERVICE_NUMBER_MAX) return fault('service-number')
  return { ok: true, value: { case: caseNumber, service } }
}

function fault(code: EntryFault): { ok: false; error: { code: EntryFault } } {
  return { ok: false, error: { code } }
}

/** The next service number in a direction, from 1 to 99. */
export function stepService(current: number, step: 1 | -1): number {
  return Math.min(SERVICE_NUMBER_MAX, Math.max(1, current + step))
}

/** A scanner types faster than any hand: at most this between two keys. */
export const SCANNER_GAP_MS_MAX = 40
const SCANNER_KEYS_MIN = 6

/** Tells a scanner from a hand by the pace of the keys. Give it every key with its monotonic time. */
export function createPaceMeter() {
  let keys = 0
  let lastMonoMs = Number.NEGATIVE_INFINITY
  let isSteady = true
  return {
    key(monoMs: number): void {
      if (keys > 0 && monoMs - lastMonoMs > SCANNER_GAP_MS_MAX) isSteady = false
      keys += 1
      lastMonoMs = monoMs
    },
    /** Who typed since the last reset, the closing Enter at `monoMs` included. */
    origin(monoMs: number): 'scanner' | 'panel' {
      const isFast = isSteady && keys >= SCANNER_KEYS_MIN && monoMs - lastMonoMs <= SCANNER_GAP_MS_MAX * 3
      return isFast ? 'scanner' : 'panel'
    },
    reset(): void {
      keys = 0
      isSteady = true
    },
  }
}
