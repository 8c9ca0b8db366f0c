import { createPadCodec } from '#agent/pad/codec.ts'
import type { Profile } from '#agent/pad/profile.ts'
import { ok, type Result } from '#protocol/result.ts'
import { type Asked, type Evidence, rank, weigh } from './identify.ts'
import type { OpenPort, PortOpener } from './open-port.ts'
import type { Chunk } from './trace.ts'

/** A setting under which some profiles speak. */
interface Setting {
  baud: number
  parity: Profile['line']['parity']
  profiles: Profile[]
}

/** How long a port may stay still after an answer, before the next query. */
const ANSWER_STILL_MS = 50
const ANSWER_MS_MAX = 1000

/**
 * Finds the known profile that the pad on a port speaks. Listens first under every setting that a profile uses,
 * then sends the queries that profiles declare harmless, their health or poll command, and nothing else.
 */
export async function identify(deps: {
  open: PortOpener
  profiles: readonly Profile[]
  listenMs: number
  /** Told before each setting is listened to, so that a person can press a key meanwhile. */
  onListen(baud: number): void
}): Promise<Result<Evidence[], { code: string; detail: string }>> {
  const evidences: Evidence[] = []
  for (const { baud, parity, profiles } of settingsOf(deps.profiles)) {
    const opened = await deps.open({ baud, parity })
    if (!opened.ok) return opened
    try {
      deps.onListen(baud)
      const heard = await listen(opened.value, deps.listenMs)
      for (const profile of profiles)
        evidences.push({ ...weigh(profile, heard, await ask(opened.value, profile)), baud })
    } finally {
      await opened.value.close()
    }
  }
  return ok(rank(evidences))
}

/** The queries of a profile that may be sent to a pad nobody knows yet. */
export function harmlessQuery(profile: Profile): string | undefined {
  return profile.poll?.command ?? profile.health?.command
}

function settingsOf(profiles: readonly Profile[]): Setting[] {
  const settings: Setting[] = []
  for (const profile of profiles) {
    // A board is spoken to by its own library; an output has no keys to be known by.
    if (profile.kind !== 'pad') continue
    for (const baud of profile.baudsAllowed) {
      const { parity } = profile.line
      const known = settings.find(one => one.baud === baud && one.parity === parity)
      if (known) known.profiles.push(profile)
      else settings.push({ baud, parity, profiles: [profile] })
    }
  }
  return settings.sort((a, b) => b.profiles.length - a.profiles.length)
}

async function listen(port: OpenPort, listenMs: number): Promise<Chunk[]> {
  if (await port.heard(listenMs)) await port.still(listenMs / 2, listenMs)
  return port.take()
}

async function ask(port: OpenPort, profile: Profile): Promise<Asked | undefined> {
  const command = harmlessQuery(profile)
  if (command === undefined) return undefined
  const step = createPadCodec(profile).single(command)
  port.take()
  port.write(step.bytes)
  if (await port.heard(step.expects?.withinMs ?? ANSWER_MS_MAX)) await port.still(ANSWER_STILL_MS, ANSWER_MS_MAX)
  return { command, answer: port.take() }
}
