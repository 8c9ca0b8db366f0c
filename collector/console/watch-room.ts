import { ref, shallowRef } from 'vue'
import type { ServiceView } from '#collector/schemas.ts'
import { applyEvent, type Board, type BoardEvent, dayStartMs, EMPTY_BOARD, mayEmptyPool } from './board.ts'
import { type ConsoleApi, isAboutKey, type Refusal } from './console-api.ts'
import { readEvents, type ServerEvent } from './event-stream.ts'

export type LinkState = 'connecting' | 'live' | 'lost'

export interface WatchRoomDeps {
  api: ConsoleApi
  nowMs(): number
  after(delayMs: number, then: () => void): () => void
  /** Told of every item that changed while the page was looking. */
  onChanged?(event: BoardEvent): void
}

const RETRY_MS_MIN = 500
const RETRY_MS_MAX = 10_000
/** The collector sends a comment every 15 s; without any it is gone, whatever the connection says. */
const SILENCE_MS_MAX = 40_000
const PAGE_ROWS = 500
const ROWS_MAX = 2_000
const POOL_AGAIN_MS = 300

/** Keeps the board current: listen first, then read the lists, then apply what was heard meanwhile. */
export function createWatchRoom(deps: WatchRoomDeps) {
  const { api, after } = deps
  const board = shallowRef<Board>(EMPTY_BOARD)
  const link = ref<LinkState>('connecting')
  /** Set when the collector wants a key, or another one. */
  const keyRefusal = shallowRef<Refusal>()
  const isLoaded = ref(false)
  /** Older services exist that this page has not read. */
  const isPartial = ref(false)
  let retryMs = RETRY_MS_MIN
  let run = 0
  let aborter = new AbortController()
  let cancelRetry = () => {}
  let cancelSilence = () => {}
  let cancelPool: (() => void) | undefined

  async function start(): Promise<void> {
    stop()
    const thisRun = run
    cancelSilence = after(SILENCE_MS_MAX, () => lose(thisRun))
    const stream = await api.events(aborter.signal)
    if (thisRun !== run) return
    if (!stream.ok) return refused(thisRun, stream.error)
    let heard: BoardEvent[] | undefined = []
    const reading = readEvents(
      stream.value,
      event => {
        const parsed = thisRun === run ? parseEvent(event) : undefined
        if (parsed && heard) heard.push(parsed)
        else if (parsed) take(parsed)
      },
      () => sign(thisRun),
    ).catch(() => {
      // The stream broke; that it ended is all there is to know, and comes next.
    })
    const lists = await loadBoard()
    if (thisRun !== run) return
    if (!lists.ok) return refused(thisRun, lists.error)
    board.value = heard.reduce(applyEvent, lists.value)
    heard = undefined
    isLoaded.value = true
    keyRefusal.value = undefined
    link.value = 'live'
    retryMs = RETRY_MS_MIN
    await reading
    lose(thisRun)
  }

  /** The stream gave a sign of life. */
  function sign(thisRun: number): void {
    if (thisRun !== run) return
    cancelSilence()
    cancelSilence = after(SILENCE_MS_MAX, () => lose(thisRun))
  }

  async function loadBoard() {
    const [services, boxes, gaps, pool, quarantine] = await Promise.all([
      loadServices(),
      api.boxes(),
      api.gaps(),
      api.pool(),
      api.quarantine(),
    ])
    if (!services.ok) return services
    if (!boxes.ok) return boxes
    if (!gaps.ok) return gaps
    if (!pool.ok) return pool
    if (!quarantine.ok) return quarantine
    const value: Board = {
      services: services.value,
      boxes: boxes.value,
      gaps: gaps.value,
      pool: pool.value,
      quarantine: quarantine.value,
    }
    return { ok: true, value } as const
  }

  /** Reads back to the beginning of the day, as far as a page can hold. */
  async function loadServices() {
    const rows: ServiceView[] = []
    let before: number | undefined
    for (;;) {
      const page = await api.services(PAGE_ROWS, before)
      if (!page.ok) return page
      rows.push(...page.value.services)
      before = page.value.before ?? undefined
      const oldestMs = rows.at(-1)?.registeredAtMs ?? 0
      if (before === undefined || rows.length >= ROWS_MAX || oldestMs < dayStartMs(deps.nowMs())) {
        isPartial.value = before !== undefined && oldestMs >= dayStartMs(deps.nowMs())
        return { ok: true, value: rows } as const
      }
    }
  }

  function take(event: BoardEvent): void {
    if (event.kind === 'service' && mayEmptyPool(board.value, event.item)) readPoolSoon()
    board.value = applyEvent(board.value, event)
    deps.onChanged?.(event)
  }

  function readPoolSoon(): void {
    const thisRun = run
    cancelPool ??= after(POOL_AGAIN_MS, () => {
      cancelPool = undefined
      void readPool(thisRun)
    })
  }

  async function readPool(thisRun: number): Promise<void> {
    const pool = await api.pool()
    if (pool.ok && thisRun === run) board.value = { ...board.value, pool: pool.value }
  }

  function refused(thisRun: number, refusal: Refusal): void {
    if (isAboutKey(refusal)) {
      stop()
      keyRefusal.value = refusal
    } else lose(thisRun)
  }

  function lose(thisRun: number): void {
    if (thisRun !== run) return
    stop()
    link.value = 'lost'
    cancelRetry = after(retryMs, () => void start())
    retryMs = Math.min(retryMs * 2, RETRY_MS_MAX)
  }

  function stop(): void {
    run += 1
    aborter.abort()
    aborter = new AbortController()
    cancelRetry()
    cancelSilence()
    cancelPool?.()
    cancelPool = undefined
  }

  return { board, link, keyRefusal, isLoaded, isPartial, start, stop }
}

export type WatchRoom = ReturnType<typeof createWatchRoom>

const KINDS: readonly string[] = ['service', 'box', 'gap', 'pool', 'quarantine'] satisfies BoardEvent['kind'][]

function parseEvent({ name, data }: ServerEvent): BoardEvent | undefined {
  return KINDS.includes(name) ? ({ kind: name, item: JSON.parse(data) } as BoardEvent) : undefined
}
