/** What there is to write into, bytes. */
export interface Space {
  /** Free on the file system. */
  free: number
  /** Held by the ballast, and what it should hold. */
  held: number
  wanted: number
  /** Free inside the store. */
  inside: number
}

/** Room below which prompts are refused, so that those that are open can always be finished. */
export const ROOM_BYTES_MIN = 4 * 1024 * 1024

/** Whether a prompt may be opened: the ballast is there or could be, and beside it there is room. */
export function isRoomy({ free, held, wanted, inside }: Space): boolean {
  const beside = free + held - wanted
  return beside >= 0 && beside + inside >= ROOM_BYTES_MIN
}

/** Whether the ballast is to be made bigger: it never takes the room that prompts need. */
export function mayGrow({ free, held, wanted }: Space): boolean {
  return held < wanted && free - (wanted - held) >= ROOM_BYTES_MIN
}

/** Whether receipted entries are to make room inside the store, before prompts are refused. */
export function isInsideShort({ free, held, wanted, inside }: Space): boolean {
  return free + held - wanted < 2 * ROOM_BYTES_MIN && inside < 2 * ROOM_BYTES_MIN
}
