import { createHash } from 'node:crypto'
import { dirname, join, resolve } from 'node:path'
import { type Enrolment, EnrolmentSchema } from '#protocol/enrolment.ts'
import { ok, type Result } from '#protocol/result.ts'
import { overridesFromEnvironment, parseYaml } from '#runtime/configuration.ts'
import { readText } from '#runtime/yaml-text.ts'
import { AGENT_ENVIRONMENT_PREFIX, type AgentConfiguration, AgentConfigurationSchema } from './configuration.ts'
import { type ConfiguredWindow, configureWindows } from './windows.ts'

/** All that people wrote about this box, read and checked. Plain data, so that it can be kept for the next start. */
export interface AgentSettings {
  configuration: AgentConfiguration
  enrolment: Enrolment
  windows: ConfiguredWindow[]
}

export interface ReadSettings {
  settings: AgentSettings
  /** SHA-256 in hex over the text of every file that was read, by its path; empty for one that could not be read. */
  files: Record<string, string>
}

/** Reads the configuration file and all it names: the enrolment, the profile of every window. */
export function readSettings(file: string, env: NodeJS.ProcessEnv): Result<ReadSettings> {
  const files: Record<string, string> = {}
  const read = (path: string) => {
    const text = readText(path)
    files[path] = text.ok ? createHash('sha256').update(text.value).digest('hex') : ''
    return text
  }
  const base = dirname(resolve(file))
  const text = read(resolve(file))
  if (!text.ok) return text
  const overrides = overridesFromEnvironment(AgentConfigurationSchema, AGENT_ENVIRONMENT_PREFIX, env)
  const configuration = parseYaml(text.value, AgentConfigurationSchema, file, overrides)
  if (!configuration.ok) return configuration
  const enrolmentFile = join(resolve(base, configuration.value.identity), 'enrolment.yaml')
  const enrolmentText = read(enrolmentFile)
  if (!enrolmentText.ok) return enrolmentText
  const enrolment = parseYaml(enrolmentText.value, EnrolmentSchema, enrolmentFile)
  if (!enrolment.ok) return enrolment
  const windows = configureWindows(configuration.value, base, read)
  if (!windows.ok) return windows
  return ok({
    settings: { configuration: configuration.value, enrolment: enrolment.value, windows: windows.value },
    files,
  })
}
