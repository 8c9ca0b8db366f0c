import type { Result } from '#protocol/result.ts'

export type LinkState = 'connecting' | 'live' | 'lost'

export interface LiveStateDeps<State, Refusal extends { code: string }> {
  load(): Promise<Result<State, Refusal>>
  /** Opens the event stream and returns how to close it. */
  listen(handlers: { opened(): void; changed(state: State): void; failed(): void }): () => void
  /** Runs `then` once after `delayMs` and returns how to call it off. */
  after(delayMs: number, then: () => void): () => void
  onState(state: State): void
  onLink(link: LinkState): void
  /** The server answered, but not with a state: it wants something first. */
  onRefusal(refusal: Refusal): void
}

const RETRY_MS_MIN = 500
const RETRY_MS_MAX = 5_000
/** A cable pulled between page and box ends no stream, so the page asks now and then. */
const CHECK_MS = 20_000

/** Keeps the page's copy of the state current: load, listen, and begin again for ever when the line breaks. */
export function createLiveState<State, Refusal extends { code: string }>(deps: LiveStateDeps<State, Refusal>) {
  let retryMs = RETRY_MS_MIN
  let run = 0
  let closeStream = () => {}
  let cancelTimer = () => {}

  async function load(thisRun: number): Promise<boolean> {
    const answer = await deps.load()
    if (thisRun !== run) return false
    if (answer.ok) {
      deps.onState(answer.value)
      return true
    }
    if (answer.error.code === 'unreachable' || answer.error.code === 'bad-answer') lose()
    else {
      stop()
      deps.onRefusal(answer.error)
    }
    return false
  }

  async function start(): Promise<void> {
    stop()
    const thisRun = run
    if (!(await load(thisRun))) return
    closeStream = deps.listen({
      opened() {
        if (thisRun !== run) return
        retryMs = RETRY_MS_MIN
        deps.onLink('live')
        // What changed between the first load and the opening was told to nobody.
        void load(thisRun)
        checkLater(thisRun)
      },
      changed(state) {
        if (thisRun === run) deps.onState(state)
      },
      failed() {
        if (thisRun === run) lose()
      },
    })
  }

  function checkLater(thisRun: number): void {
    cancelTimer = deps.after(CHECK_MS, () => void check(thisRun))
  }

  async function check(thisRun: number): Promise<void> {
    if (await load(thisRun)) checkLater(thisRun)
  }

  function lose(): void {
    stop()
    deps.onLink('lost')
    cancelTimer = deps.after(retryMs, () => void start())
    retryMs = Math.min(retryMs * 2, RETRY_MS_MAX)
  }

  function stop(): void {
    run += 1
    cancelTimer()
    closeStream()
    cancelTimer = () => {}
    closeStream = () => {}
  }

  return { start, stop }
}

/** Listens to the `state` events of a server; the stream is the browser's own, its reconnecting is ours. */
export function listenToEvents<State>(
  url: string,
  handlers: { opened(): void; changed(state: State): void; failed(): void },
): () => void {
  const source = new EventSource(url)
  source.addEventListener('open', handlers.opened)
  source.addEventListener('error', handlers.failed)
  source.addEventListener('state', event => handlers.changed(JSON.parse((event as MessageEvent<string>).data)))
  return () => source.close()
}
