import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import type { Board } from '#agent/pad/board.ts'
import { loadProfile } from '#agent/pad/load-profile.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import type { VirtualPadConfiguration } from './configuration.ts'
import { createControls } from './controls.ts'
import { createDeviceModel } from './device.ts'
import { createGarbler } from './garbler.ts'
import { createPageFiles } from './page-files.ts'
import { findProfileFolder } from './profile-folder.ts'
import { openPtyLine } from './pty.ts'
import { createPadServer } from './server.ts'
import { createPadSimulation, type PadSimulation, type PadSurroundings } from './simulation.ts'

export interface VirtualPad {
  url: string
  /** What a box opens as its serial port. */
  devicePath: string
  /** Unplugs the pad, removes its link and stops listening. */
  close(): Promise<void>
}

const root = dirname(import.meta.dirname)

/** Plugs in a pad that behaves as its profile says, and serves its page and interface. */
export async function startVirtualPad(configuration: VirtualPadConfiguration): Promise<Result<VirtualPad>> {
  const { address, controls, host, link, port, seed, variant } = configuration
  const folder = findProfileFolder(configuration.profile)
  if (!folder.ok) return folder
  const loaded = loadProfile(folder.value, variant === undefined ? {} : { variant })
  if (!loaded.ok) return loaded
  const profile = loaded.value
  if (address !== undefined && !profile.address) return fail('address-not-possible', `${profile.id} has no address`)

  if (profile.board && configuration.lineEchoes) {
    return fail('line-echo-not-possible', `${profile.id} is a board on a cable of its own, which brings nothing back`)
  }

  const surroundings: PadSurroundings = {
    profile,
    clock: createSystemClock(),
    openLine: onBytes => openPtyLine({ onBytes, ...(link ? { link } : {}) }),
    garble: createGarbler(seed),
    devicePath: link,
    onChange: () => pad.changed(),
  }
  const simulated = profile.board
    ? await simulateBoard(surroundings, profile.board)
    : ok(createPadSimulation({ ...surroundings, device: createDeviceModel(profile, deviceOptions(configuration)) }))
  if (!simulated.ok) return simulated
  const simulation = simulated.value
  const pages = createPageFiles(join(root, 'dist', 'virtual-pad'))
  const pad = createPadServer({ simulation, controls: createControls(controls), pages })
  const plugged = simulation.setPlugged(true)
  if (!plugged.ok) return plugged
  const listening = await listen(pad.server, host, port)
  if (!listening.ok) {
    simulation.close()
    return listening
  }
  return ok({
    url: listening.value,
    devicePath: simulation.state().devicePath,
    async close() {
      simulation.close()
      const closed = once(pad.server, 'close')
      pad.close()
      await closed
    },
  })
}

function deviceOptions({ address, lineEchoes }: VirtualPadConfiguration) {
  return { lineEchoes, ...(address === undefined ? {} : { address }) }
}

/** A board has pins and no bytes of its own: its firmware runs, on a simulated Arduino that is only loaded for it. */
async function simulateBoard(surroundings: PadSurroundings, board: Board): Promise<Result<PadSimulation>> {
  try {
    const { createBoardSimulation } = await import('./board-simulation.ts')
    return createBoardSimulation({ ...surroundings, board })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (!code?.endsWith('MODULE_NOT_FOUND') || !/avr8js|node-pixel/.test(message)) throw error
    return fail(
      'simulation-not-installed',
      '模拟板卡需要可选依赖包 avr8js（处理器）和 node-pixel（固件）：重新运行 npm ci，不带 --omit=optional。Simulating a board takes the optional packages avr8js (the processor) and node-pixel (the firmware): run npm ci again without --omit=optional',
    )
  }
}

async function listen(
  server: ReturnType<typeof createPadServer>['server'],
  host: string,
  port: number,
): Promise<Result<string>> {
  try {
    server.listen(port, host)
    await once(server, 'listening')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    return fail('address-not-available', `cannot listen on ${host}:${port}: ${code}`)
  }
  const { address, family, port: taken } = server.address() as AddressInfo
  return ok(`http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`)
}
