import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { loadProfile } from '#agent/pad/load-profile.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import type { VirtualPadConfiguration } from './configuration.ts'
import { createControls } from './controls.ts'
import { createDeviceModel } from './device.ts'
import { createGarbler } from './garbler.ts'
import { createPageFiles } from './page-files.ts'
import { profileFolder } from './profile-folder.ts'
import { openPtyLine } from './pty.ts'
import { createPadServer } from './server.ts'
import { createPadSimulation } from './simulation.ts'

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
  const { address, controls, host, lineEchoes, link, port, seed, variant } = configuration
  const loaded = loadProfile(profileFolder(configuration.profile), variant === undefined ? {} : { variant })
  if (!loaded.ok) return loaded
  const profile = loaded.value
  if (profile.board)
    return fail(
      'profile-not-simulated',
      `${profile.id} 是板卡，只有引脚，没有自己的字节，虚拟评价器不能模拟；请接真实的 Arduino，或用 pad test 检查型号。${profile.id} is a board: it has pins and no bytes of its own, so it cannot be simulated here; plug in a real Arduino, or check the profile with pad test`,
    )
  if (address !== undefined && !profile.address) return fail('address-not-possible', `${profile.id} has no address`)

  const simulation = createPadSimulation({
    profile,
    device: createDeviceModel(profile, { lineEchoes, ...(address === undefined ? {} : { address }) }),
    clock: createSystemClock(),
    openLine: onBytes => openPtyLine({ onBytes, ...(link ? { link } : {}) }),
    garble: createGarbler(seed),
    devicePath: link,
    onChange: () => pad.changed(),
  })
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
