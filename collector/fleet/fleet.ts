import type { Clock } from '#protocol/clock.ts'
import { decodePresence, type Presence } from '#protocol/presence.ts'
import type { Result } from '#protocol/result.ts'

/** What a box last said of itself. Not evidence: it is what the broker retains, and gone with it. */
export interface BoxState extends Omit<Presence, 'version' | 'receipted' | 'question'> {
  box: string
  lastSeenMs: number
}

/** Which boxes are there, and which window is whose. */
export interface Fleet {
  /** A status as it came; empty when it was removed from the broker. */
  /** Gives back what the box said; nothing when its status was taken away. */
  statusArrived(box: string, payload: Uint8Array): Result<Presence | undefined>
  /** A box gave a sign of life other than its status. */
  seen(box: string): void
  get(box: string): BoxState | undefined
  all(): BoxState[]
  /** The box that serves a window: of several that say so, an online one, and of these the last to say it. */
  boxOfWindow(window: string): BoxState | undefined
}

export function createFleet(deps: { clock: Clock; onChanged(box: string): void }): Fleet {
  const { clock } = deps
  const boxes = new Map<string, BoxState>()

  return {
    statusArrived(box, payload) {
      if (payload.length === 0) {
        boxes.delete(box)
        deps.onChanged(box)
        return { ok: true, value: undefined }
      }
      const decoded = decodePresence(payload)
      if (!decoded.ok) return decoded
      const { version: _version, receipted: _receipted, question: _question, ...state } = decoded.value
      // Removed and added anew, so that the order of the map is the order of saying.
      boxes.delete(box)
      boxes.set(box, { ...state, box, lastSeenMs: clock.wallMs() })
      deps.onChanged(box)
      return decoded
    },
    seen(box) {
      const state = boxes.get(box)
      if (state) boxes.set(box, { ...state, lastSeenMs: clock.wallMs() })
    },
    get: box => boxes.get(box),
    all: () => [...boxes.values()],
    boxOfWindow(window) {
      const serving = [...boxes.values()].filter(state => state.windows.some(item => item.window === window))
      return serving.filter(state => state.online).at(-1) ?? serving.at(-1)
    },
  }
}
