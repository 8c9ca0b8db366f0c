import { type Program, startProgram } from '#scripts/program.ts'

/** A program that somebody keeps running, as a service manager does: it is started again however it ended. */
export interface Supervised {
  readonly name: string
  /** The running program; undefined while it is not ready. */
  now(): Program | undefined
  /** Resolves when it is ready, also after the next start. */
  ready(): Promise<Program>
  /** Ends it without warning, at once. */
  kill(): void
  /** Nothing of it goes on from here; to be killed, or let go on by the returned function. */
  freeze(): () => void
  /** Keeps it from being started until the returned function is called; resolves when no process is left. */
  hold(): Promise<() => void>
  /** Asks it to end, and lets it be started again. */
  restart(): Promise<void>
  stop(): Promise<void>
  /** What it printed last, oldest first. */
  lines(): readonly string[]
}

/** How a program ended that nobody ended. */
export interface Ending {
  name: string
  /** `gave-up`: it said what it cannot do, as the service manager expects. `crashed`: anything else. */
  kind: 'gave-up' | 'crashed'
  detail: string
}

const LINES_MAX = 400
const RESTART_MS = 100
/** sysexits.h EX_IOERR: the journal refused. */
const EXIT_JOURNAL = 74

export function createSupervised(deps: {
  name: string
  args: readonly string[]
  entry?: string
  env?: NodeJS.ProcessEnv
  /** Told when it ended, before it is started again. */
  onEnd(): void
  onUnasked(ending: Ending): void
}): Supervised {
  const { name } = deps
  const said: string[] = []
  let program: Program | undefined
  let holds = 0
  let isStopped = false
  let isAsked = false
  let waiting: (() => void)[] = []
  /** Settles when the present start, run and end are over. */
  let running: Promise<void> = Promise.resolve()
  /** A program that is starting is known only by its process. */
  let starting: { kill(): void; signal(name: NodeJS.Signals): void } | undefined

  function say(line: string) {
    said.push(line)
    if (said.length > LINES_MAX) said.shift()
  }

  function wake() {
    const woken = waiting
    waiting = []
    for (const resume of woken) resume()
  }
  const changed = () => new Promise<void>(resolve => waiting.push(resolve))

  async function runOnce() {
    const before = said.length
    let killed = false
    try {
      const started = await startProgram(deps.args, {
        onLine: say,
        ...(deps.entry ? { entry: deps.entry } : {}),
        ...(deps.env ? { env: deps.env } : {}),
        onSpawn(child) {
          starting = {
            kill() {
              killed = true
              child.kill('SIGKILL')
            },
            signal: name => void child.kill(name),
          }
          if (holds > 0 || isStopped) starting.kill()
        },
      })
      program = started
      wake()
      await started.ended
      if (!killed && !isAsked) judge(started.child.exitCode, started.child.signalCode, said.slice(-16).join('\n'))
    } catch (error) {
      if (!killed && !isAsked) judgeStart((error as Error).message, said.slice(before))
    }
    program = undefined
    starting = undefined
    deps.onEnd()
  }

  function judge(code: number | null, signal: string | null, last: string) {
    if (signal === 'SIGKILL') return // By a tracer that we set on it.
    const kind = code === EXIT_JOURNAL ? 'gave-up' : 'crashed'
    deps.onUnasked({ name, kind, detail: `${name} ended with ${code ?? signal}\n${last}` })
  }

  /** A start that is refused in words is no crash; one that ends in a stack trace is. */
  function judgeStart(message: string, lines: readonly string[]) {
    if (/ended with null/.test(message)) return
    const hasTrace = /\n\s+at .*:\d+/.test(message) || lines.some(line => /^\s+at .*:\d+/.test(line))
    deps.onUnasked({ name, kind: hasTrace ? 'crashed' : 'gave-up', detail: message })
  }

  async function keepRunning() {
    while (!isStopped) {
      if (holds > 0) {
        await changed()
        continue
      }
      isAsked = false
      running = runOnce()
      await running
      wake()
      if (!isStopped) await new Promise(resolve => setTimeout(resolve, RESTART_MS))
    }
  }
  const ended = keepRunning()

  return {
    name,
    now: () => program,
    async ready() {
      while (!program) await changed()
      return program
    },
    kill: () => starting?.kill(),
    freeze() {
      const own = starting
      own?.signal('SIGSTOP')
      return () => own?.signal('SIGCONT')
    },
    async hold() {
      holds += 1
      starting?.kill()
      await running
      return () => {
        holds -= 1
        wake()
      }
    },
    async restart() {
      isAsked = true
      await program?.stop()
    },
    async stop() {
      isStopped = true
      isAsked = true
      if (program) await program.stop()
      else starting?.kill()
      wake()
      await ended
    },
    lines: () => said,
  }
}
