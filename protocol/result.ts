/** What a function gives back when the world may say no: the value, or a problem with a code from the catalogue. */
export type Result<T, E extends { code: string } = Fault> = { ok: true; value: T } | { ok: false; error: E }

/** A refusal: its code (kebab-case, stable) and one English sentence for a log, with what was found and what is allowed. */
export interface Fault {
  code: string
  detail: string
}

export function ok(): { ok: true; value: undefined }
export function ok<T>(value: T): { ok: true; value: T }
export function ok<T>(value?: T) {
  return { ok: true, value } as const
}

export function fail<C extends string>(code: C, detail: string): { ok: false; error: { code: C; detail: string } } {
  return { ok: false, error: { code, detail } }
}

/** Marks a branch the types say cannot be taken; a new union member does not compile until it is handled. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`)
}
