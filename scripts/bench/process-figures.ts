import { readdirSync, readFileSync } from 'node:fs'

/** Bytes a process caused to be sent to the block layer, from the text of its /proc/PID/io. */
export function blockBytesWritten(io: string): number {
  return field(io, /^write_bytes: (\d+)$/m)
}

/** Resident memory in MiB, from the text of /proc/PID/status. */
export function residentMiB(status: string): number {
  return field(status, /^VmRSS:\s+(\d+) kB$/m) / 1024
}

function field(text: string, pattern: RegExp): number {
  const found = pattern.exec(text)?.[1]
  if (found === undefined) throw new Error(`this kernel does not tell ${pattern.source}`)
  return Number(found)
}

/** Resident memory of a running process, MiB. */
export const readResidentMiB = (pid: number) => residentMiB(readFileSync(`/proc/${pid}/status`, 'utf8'))

/**
 * Processor time of all threads of a process so far, ms. From the scheduler's own account in nanoseconds:
 * the ticks of /proc/PID/stat are 10 ms each, more than an idle process uses in a minute.
 */
export function readCpuMs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  const ns = threads.map(thread => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]))
  return ns.reduce((sum, each) => sum + each, 0) / 1e6
}
