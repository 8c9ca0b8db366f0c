import type { WrittenFile } from './profile-schema.ts'

/** One place where the profile in force says something else than the file without its variant. */
export interface Change {
  path: string[]
  from: unknown
  to: unknown
}

/** The names of a variant and all it builds on, from the bottom up. */
export function variantChain(file: Pick<WrittenFile, 'variants'>, name: string): string[] {
  const chain: string[] = []
  for (let at: string | undefined = name; at !== undefined && !chain.includes(at); ) {
    chain.unshift(at)
    at = file.variants?.[at]?.extends
  }
  return chain
}

/** The file with the changes of one variant in it; `file` is not touched. */
export function applyVariant(file: WrittenFile, name: string): unknown {
  return variantChain(file, name).reduce<unknown>(
    (changed, variant) => merged(changed, file.variants?.[variant]?.changes ?? {}),
    file,
  )
}

/** Maps are merged name by name, everything else replaces; null takes a name away. */
function merged(base: unknown, change: unknown): unknown {
  if (!isMap(base) || !isMap(change)) return change
  const result: Record<string, unknown> = { ...base }
  for (const [name, value] of Object.entries(change)) {
    if (value === null) delete result[name]
    else result[name] = Object.hasOwn(base, name) ? merged(base[name], value) : value
  }
  return result
}

/** Every place where two files differ, down to the smallest. */
export function changesBetween(base: unknown, changed: unknown, path: string[] = []): Change[] {
  if (isMap(base) && isMap(changed)) {
    const names = new Set([...Object.keys(base), ...Object.keys(changed)])
    return [...names].flatMap(name => changesBetween(base[name], changed[name], [...path, name]))
  }
  return JSON.stringify(base) === JSON.stringify(changed) ? [] : [{ path, from: base, to: changed }]
}

/** Places where a variant says what holds anyway: a change that was meant and does nothing. */
export function idleChanges(base: unknown, change: unknown, path: string[] = []): string[][] {
  if (isMap(base) && isMap(change)) {
    return Object.entries(change).flatMap(([name, value]) => idleChanges(base[name], value, [...path, name]))
  }
  const isIdle = change === null ? base === undefined : JSON.stringify(base) === JSON.stringify(change)
  return isIdle ? [path] : []
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
