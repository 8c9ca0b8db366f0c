import { writeSync } from 'node:fs'

/** Where changes of state are told. The event's name is constant, the rest are fields with units. */
export interface EventLog {
  debug: Tell
  info: Tell
  warn: Tell
  error: Tell
  fatal: Tell
}

interface Tell {
  (fields: object, event: string): void
  (event: string): void
}

/** The numbers of pino, whose tools read these lines. */
const LEVELS = { debug: 20, info: 30, warn: 40, error: 50, fatal: 60 } as const
const SILENT = 70

/**
 * One JSON object per line, as `createLogger` writes it, at a twentieth of its memory. Never throws: when nobody
 * takes the line it is dropped, because a box goes on without its log.
 */
export function createEventLog(
  name: string,
  level: keyof typeof LEVELS | 'silent',
  write: (line: string) => void = writeOut,
): EventLog {
  const from = level === 'silent' ? SILENT : LEVELS[level]
  const tell =
    (number: number): Tell =>
    (given: object | string, event?: string) => {
      if (number < from) return
      const fields = typeof given === 'string' ? {} : given
      const msg = typeof given === 'string' ? given : event
      write(`${JSON.stringify({ level: number, time: new Date().toISOString(), name, ...fields, msg })}\n`)
    }
  return {
    debug: tell(LEVELS.debug),
    info: tell(LEVELS.info),
    warn: tell(LEVELS.warn),
    error: tell(LEVELS.error),
    fatal: tell(LEVELS.fatal),
  }
}

function writeOut(line: string): void {
  try {
    writeSync(1, line)
  } catch (error) {
    // A pipe that is full or closed, a disk without room: all of them have a code.
    if (!(error as NodeJS.ErrnoException).code) throw error
  }
}
