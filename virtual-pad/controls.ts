import { fail, ok, type Result } from '#protocol/result.ts'

/** What the surroundings of the pad are doing; null where nobody says. */
export interface ControlsState {
  network: 'up' | 'cut' | null
  box: 'running' | 'stopped' | null
}

export interface ControlsFault {
  code: 'no-controls' | 'controls-not-reachable'
  detail: string
}

export interface Controls {
  state(): Promise<ControlsState>
  /** Passes a wish on: POST JSON to `<url>/network` or `<url>/box`. */
  send(what: 'network' | 'box', body: object): Promise<Result<undefined, ControlsFault>>
}

const NOBODY: ControlsState = { network: null, box: null }
const ANSWER_MS_MAX = 10_000

/** The switches for network and power belong to whoever started everything; the pad's page only passes them on. */
export function createControls(url: string | undefined): Controls {
  const call = (path: string, init?: RequestInit) =>
    fetch(new URL(path, url), { ...init, signal: AbortSignal.timeout(ANSWER_MS_MAX) })

  return {
    async state() {
      if (!url) return NOBODY
      try {
        const answer = (await (await call('/')).json()) as Partial<ControlsState> | null
        return {
          network: answer?.network === 'up' || answer?.network === 'cut' ? answer.network : null,
          box: answer?.box === 'running' || answer?.box === 'stopped' ? answer.box : null,
        }
      } catch {
        // Refused, timed out or not JSON: in every case nobody says.
        return NOBODY
      }
    },
    async send(what, body) {
      if (!url) return fail('no-controls', 'this pad was started without --controls')
      const headers = { 'content-type': 'application/json' }
      try {
        const answer = await call(`/${what}`, { method: 'POST', headers, body: JSON.stringify(body) })
        await answer.arrayBuffer()
        if (answer.ok) return ok()
        return fail('controls-not-reachable', `the controls answered ${answer.status}`)
      } catch (error) {
        return fail('controls-not-reachable', `the controls do not answer: ${(error as Error).name}`)
      }
    },
  }
}
