import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { PROFILE_FILE, parseProfile } from '#agent/pad/load-profile.ts'
import type { Profile } from '#agent/pad/profile.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import type { AgentConfiguration } from './configuration.ts'
import { nameOfPort, type WantedPort } from './port/find-port.ts'

/** What drives a window, read and checked. */
export interface ConfiguredPad {
  profile: Profile
  port: WantedPort
}

/** Why one window, or one output, cannot work until somebody changes the configuration. */
export const WINDOW_FAULTS = [
  'profile-unknown',
  'profile-not-valid',
  'profile-not-fitting',
  'port-not-stated',
  'port-not-shareable',
  'address-not-unique',
] as const

export interface WindowFault {
  code: (typeof WINDOW_FAULTS)[number]
  detail: string
}

/** One configured window. A fault is this window's own: the others work. */
export interface ConfiguredWindow {
  window: string
  /** The profile that the configuration names. */
  profile: string
  pad: Result<ConfiguredPad, WindowFault>
  /** What shows or speaks beside the pad, each on a port of its own. */
  outputs: { profile: string; pad: Result<ConfiguredPad, WindowFault> }[]
}

/** The profiles that come with the program, from source and from the built file alike. */
export function builtInProfiles(): string {
  return join(dirname(import.meta.dirname), 'device-profiles')
}

/** The built pages of the clerk. */
export function builtInPages(): string {
  return join(dirname(import.meta.dirname), 'dist', 'panel')
}

function profilesIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(({ name }) => name)
}

type Named = Pick<AgentConfiguration['windows'][number], 'profile' | 'port' | 'site'>

/** Reads the profile of every window. What is wrong with one of them does not stop the others, nor the box. */
export function configureWindows(
  configuration: AgentConfiguration,
  base: string,
  read: (path: string) => Result<string>,
): Result<ConfiguredWindow[]> {
  const names = configuration.windows.map(({ window }) => window)
  const twice = names.filter((window, i) => names.indexOf(window) !== i)
  if (twice.length > 0) return fail('configuration-not-valid', `windows: ${twice.join(', ')} is there twice`)
  const folder = configuration.profiles ? resolve(base, configuration.profiles) : builtInProfiles()
  const taken: ConfiguredPad[] = []

  function configure(named: Named, kinds: readonly Profile['kind'][]): Result<ConfiguredPad, WindowFault> {
    const profile = readProfile(named, folder, read)
    if (!profile.ok) return profile
    const { id, kind, usb } = profile.value
    if (!kinds.includes(kind)) return fail('profile-not-fitting', `${id} is of kind ${kind}; here: ${kinds.join(', ')}`)
    if (!named.port && usb.length === 0) {
      return fail('port-not-stated', `${id} does not know which adapter it comes with, so its port must be stated`)
    }
    const port: WantedPort = named.port ? { kind: 'path', path: named.port } : { kind: 'usb', hints: usb }
    const pad = { profile: profile.value, port }
    const fault = faultBeside(pad, taken)
    if (fault) return { ok: false, error: fault }
    taken.push(pad)
    return ok(pad)
  }

  return ok(
    configuration.windows.map(own => ({
      window: own.window,
      profile: own.profile,
      pad: configure(own, ['pad', 'board']),
      outputs: own.outputs.map(output => ({ profile: output.profile, pad: configure(output, ['output']) })),
    })),
  )
}

function readProfile(
  { profile: id, site }: Named,
  folder: string,
  read: (path: string) => Result<string>,
): Result<Profile, WindowFault> {
  const path = join(folder, id, PROFILE_FILE)
  const text = read(path)
  if (!text.ok) {
    const known = profilesIn(folder)
    if (known.includes(id)) return fail('profile-not-valid', text.error.detail)
    return fail('profile-unknown', `${id} is not in ${folder}; there are: ${known.join(', ')}`)
  }
  const hash = createHash('sha256').update(text.value).digest('hex')
  const loaded = parseProfile(text.value, { path, folder: id, hash }, site)
  return loaded.ok ? loaded : fail('profile-not-valid', loaded.error.detail)
}

/** Several pads share a line if they are of one model and have addresses; two of the same address would both answer. */
function faultBeside(own: ConfiguredPad, taken: readonly ConfiguredPad[]): WindowFault | undefined {
  const beside = taken.filter(({ port }) => nameOfPort(port) === nameOfPort(own.port))
  const [first] = beside
  if (!first) return undefined
  const { id, version, line } = own.profile
  const isSameModel =
    first.profile.id === id &&
    first.profile.version === version &&
    JSON.stringify(first.profile.line) === JSON.stringify(line)
  if (!isSameModel || !own.profile.address) {
    const detail = `${nameOfPort(own.port)} already carries ${first.profile.id}; only pads of one model that have addresses share a line`
    return { code: 'port-not-shareable', detail }
  }
  const addresses = beside.map(({ profile }) => addressAt(profile))
  if (!addresses.includes(addressAt(own.profile))) return undefined
  const detail = `${nameOfPort(own.port)} already carries a pad with the address ${addressAt(own.profile)}`
  return { code: 'address-not-unique', detail }
}

const addressAt = ({ overrides, address }: Profile) => overrides.address ?? address?.default
