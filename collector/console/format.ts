/** A time of day with seconds; the day before it when it is not today's. */
export function when(atMs: number, nowMs: number): string {
  const at = new Date(atMs)
  const two = (value: number) => String(value).padStart(2, '0')
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  if (at.toDateString() === new Date(nowMs).toDateString()) return time
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`
}

/** Bounds so close are a time to whoever reads it. */
const CLOSE_MS = 2 * 60_000

/** Whether a time is only known to lie between two that are worth showing. */
export function isUncertain({ earliestMs, latestMs }: { earliestMs: number | null; latestMs: number }): boolean {
  return earliestMs === null || latestMs - earliestMs > CLOSE_MS
}

/** Whether the clock of the box said something else than what the time is known to have been. */
export function isClockWrong({ atMs, wallMs }: { atMs: number; wallMs: number }): boolean {
  return Math.abs(atMs - wallMs) > CLOSE_MS
}

/** How long ago, in the reader's words. */
export function ago(atMs: number, nowMs: number, locale: string): string {
  const seconds = Math.max(0, Math.round((nowMs - atMs) / 1000))
  const format = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' })
  if (seconds < 60) return format.format(0, 'second')
  if (seconds < 3600) return format.format(-Math.floor(seconds / 60), 'minute')
  if (seconds < 86_400) return format.format(-Math.floor(seconds / 3600), 'hour')
  return format.format(-Math.floor(seconds / 86_400), 'day')
}

/** The first digits of a hash, enough to compare two by eye. */
export function shortHash(hash: string): string {
  return hash.slice(0, 8)
}

/** A size for people. */
export function size(bytes: number): string {
  return bytes < 1024 ? `${bytes} B` : `${(bytes / 1024).toFixed(1)} KiB`
}

/** A share in whole per cent; nothing of nothing is no share. */
export function percent(part: number, whole: number): string {
  return whole === 0 ? '–' : `${Math.round((part / whole) * 100)}%`
}

/** How a business system registers a service, ready to paste into a shell. */
export function registerExample(origin: string): string {
  return [
    `curl -X POST ${origin}/v1/services \\`,
    `  -H 'Authorization: Bearer KEY' \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -d '{"case":"330106202511240018","service":1,"window":"A03"}'`,
  ].join('\n')
}
