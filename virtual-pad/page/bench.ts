import { computed, ref, shallowRef } from 'vue'
import type { Grade } from '#protocol/grades.ts'
import { createLiveState, type LinkState, listenToEvents } from '#runtime/page/live-state.ts'
import type { PadAction, PadApi, PadPageState, Refusal } from './pad-api.ts'

export interface BenchDeps {
  api: PadApi
  listen?: typeof listenToEvents<PadPageState>
  after(delayMs: number, then: () => void): () => void
}

/** How long a key looks pressed; the same for every grade. */
const PRESS_SHOWN_MS = 180

/** Everything the virtual pad's page knows and does: the pad, its line, the box and the network. */
export function createBench(deps: BenchDeps) {
  const { api, after } = deps
  const state = shallowRef<PadPageState>()
  const link = ref<LinkState>('connecting')
  const refusal = shallowRef<Refusal>()
  /** The next key is held down instead of pressed. */
  const isHoldArmed = ref(false)
  const pressed = ref<Grade>()
  let cancelLift = () => {}

  const live = createLiveState<PadPageState, Refusal>({
    load: api.state,
    listen: handlers => (deps.listen ?? listenToEvents)('v1/events', handlers),
    after,
    onState: next => {
      state.value = next
    },
    onLink: next => {
      link.value = next
    },
    onRefusal: refused => {
      refusal.value = refused
    },
  })

  async function act(action: PadAction, body: object = {}): Promise<void> {
    refusal.value = undefined
    const answer = await api.act(action, body)
    if (!answer.ok) refusal.value = answer.error
  }

  /** Presses a key, or holds it down when that was asked for; a key that is held is let go. */
  async function touch(grade: Grade): Promise<void> {
    if (state.value?.held) return await act('release')
    if (isHoldArmed.value) {
      isHoldArmed.value = false
      return await act('hold', { grade })
    }
    showPressed(grade)
    await act('press', { grade })
  }

  function showPressed(grade: Grade): void {
    cancelLift()
    pressed.value = grade
    cancelLift = after(PRESS_SHOWN_MS, () => {
      pressed.value = undefined
    })
  }

  async function toggleHold(): Promise<void> {
    if (state.value?.held) await act('release')
    else isHoldArmed.value = !isHoldArmed.value
  }

  async function toggleNetwork(): Promise<void> {
    const network = state.value?.controls.network
    if (network) await act('network', { cut: network === 'up' })
  }

  async function cutPower(): Promise<void> {
    if (state.value?.controls.box === 'running') await act('box', { power: 'cut' })
  }

  const shortcuts: Readonly<Record<string, () => Promise<void>>> = {
    h: toggleHold,
    u: () => act('plug', { plugged: !state.value?.plugged }),
    g: () => act('garble', { garbled: !state.value?.garbled }),
    n: toggleNetwork,
    p: cutPower,
  }

  /** Does what a key of the keyboard stands for, if it stands for anything. */
  function key(name: string): boolean {
    const grade = state.value?.keys[Number(name) - 1]?.grade
    const run = grade ? () => touch(grade) : shortcuts[name.toLowerCase()]
    if (!run || !state.value) return false
    void run()
    return true
  }

  return {
    state,
    link,
    refusal,
    isHoldArmed,
    isDown: computed(() => (grade: Grade) => state.value?.held === grade || pressed.value === grade),
    start: live.start,
    stop: live.stop,
    touch,
    key,
  }
}

export type Bench = ReturnType<typeof createBench>
