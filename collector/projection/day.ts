import type { PromptRow } from '#collector/store/tables.ts'
import type { Instant } from '#collector/time/instant.ts'

const DAY_MS = 24 * 60 * 60 * 1000
/** China has one time zone, and since 1991 no summer time. */
const CHINA_OFFSET_MS = 8 * 60 * 60 * 1000

/** Days since 1970-01-01 by the calendar of China. */
export function chinaDay(atWallMs: number): number {
  return Math.floor((atWallMs + CHINA_OFFSET_MS) / DAY_MS)
}

/** When such a day begins. */
export function dayStartWallMs(day: number): number {
  return day * DAY_MS - CHINA_OFFSET_MS
}

/** `2026-11-24` as such a day; undefined for a date that does not exist. */
export function parseDay(date: string): number | undefined {
  const atMs = Date.parse(`${date}T00:00:00Z`)
  return formatDay(atMs / DAY_MS) === date ? atMs / DAY_MS : undefined
}

export function formatDay(day: number): string {
  return Number.isFinite(day) ? new Date(day * DAY_MS).toISOString().slice(0, 10) : ''
}

/** The day a prompt is counted on, by the best that is known of its time, and whether it can have been another. */
export function dayOf({ earliest, latest, best }: Instant): Pick<PromptRow, 'day' | 'day_sure'> {
  const isSure = earliest !== null && chinaDay(earliest) === chinaDay(latest)
  return { day: chinaDay(best), day_sure: isSure ? 1 : 0 }
}
