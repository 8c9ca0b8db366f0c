import { createPadCodec, type PadOutput } from '#agent/pad/codec.ts'
import type { Profile } from '#agent/pad/profile.ts'
import { portHolders } from '#agent/port/port-holders.ts'
import { createSerialLine, type LineFault, type LineSettings } from '#agent/port/serial-line.ts'
import type { Clock } from '#protocol/clock.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { wholeNumber } from './whole-number.ts'

/** One thing that happened on a line; times since it was opened. */
export type Happening =
  | { kind: 'from-pad' | 'to-pad'; atMs: number; bytes: Uint8Array }
  | { kind: 'understood'; atMs: number; outputs: readonly PadOutput[] }
  | { kind: 'unanswered'; atMs: number; command: string }

export interface LivePad {
  /** Ends with why the line was lost; undefined once `close` was called. */
  readonly ended: Promise<{ code: LineFault; detail: string } | undefined>
  close(): Promise<void>
}

type Opened = Result<LivePad, { code: LineFault; detail: string }>

/**
 * Opens the port of one pad and tells what it says, never a port that another program has open. With a profile the
 * bytes get their meaning; if `isSpeaking`, the pad also gets the answers it waits for and is asked where it must be.
 */
export async function openLivePad(deps: {
  clock: Clock
  settings: LineSettings & { path: string }
  profile?: Profile | undefined
  isSpeaking: boolean
  onHappening(happening: Happening): void
}): Promise<Opened> {
  const [holder] = await portHolders(deps.settings.path)
  if (!holder) return await open(deps)
  return fail('port-busy', `${deps.settings.path} is open in ${holder.program} (process ${holder.pid}); end it first`)
}

type Deps = Parameters<typeof openLivePad>[0]

async function open(deps: Deps): Promise<Opened> {
  const { clock, profile } = deps
  const ended = Promise.withResolvers<{ code: LineFault; detail: string } | undefined>()
  const opened = Promise.withResolvers<Opened>()
  const startMonoMs = clock.monoMs()
  const tell = (happening: Happening) => deps.onHappening(happening)
  const atMs = () => clock.monoMs() - startMonoMs
  const talk = profile ? createTalk({ ...deps, profile, atMs, write }) : undefined

  function write(bytes: Uint8Array) {
    if (line.write(bytes)) tell({ kind: 'to-pad', atMs: atMs(), bytes })
  }

  const line = createSerialLine({
    clock,
    random: Math.random,
    settings: deps.settings,
    onOpen() {
      opened.resolve(ok({ ended: ended.promise, close }))
      if (deps.isSpeaking) talk?.start()
    },
    onBytes(bytes) {
      const own = new Uint8Array(bytes)
      tell({ kind: 'from-pad', atMs: atMs(), bytes: own })
      talk?.receive(own)
    },
    onLost(code, detail) {
      void end({ code, detail })
    },
  })

  async function end(fault: { code: LineFault; detail: string } | undefined) {
    talk?.stop()
    await line.close()
    if (fault) opened.resolve(fail(fault.code, fault.detail))
    ended.resolve(fault)
  }
  const close = () => end(undefined)
  return await opened.promise
}

/** The codec of the pad on a running line: silences, answers and polls. */
function createTalk(deps: Deps & { profile: Profile; atMs(): number; write(bytes: Uint8Array): void }) {
  const { clock, profile } = deps
  const codec = createPadCodec(profile, {})
  let cancelSilence = () => {}
  let cancelPoll = () => {}

  function tell(outputs: readonly PadOutput[]) {
    if (outputs.length > 0) deps.onHappening({ kind: 'understood', atMs: deps.atMs(), outputs })
  }

  function restart() {
    cancelSilence()
    cancelSilence = clock.after(codec.silenceMs, () => tell(codec.silence()))
  }

  function poll(command: string, everyMs: number) {
    const step = codec.single(command)
    codec.sent(step.bytes, step)
    deps.write(step.bytes)
    restart()
    cancelPoll = clock.after(Math.max(everyMs, step.expects?.withinMs ?? 0), () => {
      if (codec.waitingFor() !== null) {
        codec.missed()
        deps.onHappening({ kind: 'unanswered', atMs: deps.atMs(), command })
      }
      poll(command, everyMs)
    })
  }

  return {
    start() {
      if (profile.poll) poll(profile.poll.command, profile.poll.armedMs)
    },
    receive(bytes: Uint8Array) {
      const outputs = codec.receive(bytes, true, clock.monoMs())
      for (const output of outputs) {
        if (output.kind !== 'frame' || !output.answer || !deps.isSpeaking) continue
        codec.sent(output.answer)
        deps.write(output.answer)
      }
      tell(outputs)
      restart()
    },
    stop() {
      cancelSilence()
      cancelPoll()
    },
  }
}

/** How a profile says its line has to be opened. */
export function lineOf(profile: Profile, path: string): LineSettings & { path: string } {
  const { baud, dataBits, parity, stopBits } = profile.line
  return { path, baudRate: baud, dataBits, parity, stopBits, opening: profile.opening }
}

/** Why a board cannot be listened to. */
export function boardFault({ id }: Profile) {
  return { code: 'profile-is-board', detail: `${id} is a board that is driven by its pins; it has no frames to show` }
}

/** How long to listen, as an option is read: up to a day. */
export const SECONDS = wholeNumber(1, 86_400)
