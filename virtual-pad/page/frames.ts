/** The bytes of a frame in pairs, upper case, as the manuals print them. */
export function spacedHex(hex: string): string {
  return (hex.replaceAll(/\s/g, '').match(/.{1,2}/g) ?? []).join(' ').toUpperCase()
}

/** A time of day down to the millisecond, on the reader's clock. */
export function clockTime(atMs: number): string {
  const at = new Date(atMs)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`
}

/** The newest so many, newest first, whatever order they came in. */
export function newest<T extends { atMs: number }>(items: readonly T[], count: number): T[] {
  return [...items]
    .map((item, index) => ({ item, index }))
    .sort((a, b) => b.item.atMs - a.item.atMs || b.index - a.index)
    .slice(0, count)
    .map(({ item }) => item)
}
