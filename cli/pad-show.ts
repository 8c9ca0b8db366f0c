import type { Command } from 'commander'
import { Document } from 'yaml'
import { formatBytes } from '#agent/pad/bytes.ts'
import { clerkSteps } from '#agent/pad/clerk-steps.ts'
import { type CommandStep, createPadCodec, type PadIntent } from '#agent/pad/codec.ts'
import { describeKeys } from '#agent/pad/describe-keys.ts'
import { exampleValues } from '#agent/pad/examples.ts'
import { describePattern } from '#agent/pad/golden-board.ts'
import { effectiveProfile, loadProfile } from '#agent/pad/load-profile.ts'
import type { Profile } from '#agent/pad/profile.ts'
import { INTENTS } from '#agent/pad/profile-schema.ts'
import type { SiteOverrides } from '#agent/pad/site-schema.ts'
import type { Text } from '#runtime/language.ts'
import { findProfileFolder } from '#virtual-pad/profile-folder.ts'
import { addSetting, SET_HELP, SET_OPTION, siteOverrides } from './pad-settings.ts'
import { jsonOption, type Terminal } from './terminal.ts'

interface ShowOptions {
  json?: boolean
  variant?: string
  set: string[]
  effective?: boolean
}

/** `pad show`: a profile as a person would explain it, or as it is in force once its variant and the settings of a site are in it. */
export function addShow(pad: Command, argument: Text, terminal: Terminal): void {
  const { say } = terminal
  pad
    .command('show')
    .description(
      say({
        zh: '说明一个型号：线路、按键与等级、每个意图发送的字节、能力、依据、现场可改的参数。\n示例：chuangping pad show generic-pj06\n示例：chuangping pad show dwin-dgus2 --variant crc --effective',
        en: 'Explain a profile: its line, its keys and grades, the bytes of every intent, what it can do, how it is known, what a site may set.\nExample: chuangping pad show generic-pj06\nExample: chuangping pad show dwin-dgus2 --variant crc --effective',
      }),
    )
    .argument('<profile>', say(argument))
    .option('--variant <name>', say({ zh: '型号文件中的变体', en: 'a variant that the profile names' }))
    .option(
      '--effective',
      say({
        zh: '显示合并变体后的完整内容，及每处改动',
        en: 'the whole file with the variant in it, and every place it changes',
      }),
    )
    .option(SET_OPTION, say(SET_HELP), addSetting, [])
    .option(...jsonOption(terminal))
    .action((profile: string, options: ShowOptions) => {
      const overrides = siteOverrides(options)
      if (!overrides.ok) return terminal.fail(options, overrides.error)
      const folder = findProfileFolder(profile)
      if (!folder.ok) return terminal.fail(options, folder.error)
      const run = options.effective ? showEffective : show
      run(folder.value, overrides.value, options, terminal)
    })
}

function showEffective(folder: string, overrides: SiteOverrides, options: ShowOptions, terminal: Terminal) {
  const effective = effectiveProfile(folder, overrides)
  if (!effective.ok) return terminal.fail(options, effective.error)
  const { file, changes } = effective.value
  const { variants: _, ...inForce } = file
  terminal.print(options, { file: inForce, changes }, () =>
    [
      ...changes.map(({ path, from, to }) => `# ${path.join('.')}: ${short(from)} → ${short(to)}`),
      new Document(inForce, { aliasDuplicateObjects: false }).toString({ lineWidth: 120 }).trimEnd(),
    ].join('\n'),
  )
}

function short(value: unknown): string {
  if (value === undefined) return '—'
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}

function show(folder: string, overrides: SiteOverrides, options: ShowOptions, terminal: Terminal) {
  const loaded = loadProfile(folder, overrides)
  if (!loaded.ok) return terminal.fail(options, loaded.error)
  const profile = loaded.value
  const summary = {
    id: profile.id,
    version: profile.version,
    hash: profile.hash,
    kind: profile.kind,
    title: profile.title,
    evidence: profile.evidence,
    evidences: profile.evidences,
    source: profile.source,
    variant: profile.variant,
    variants: profile.variants,
    settings: profile.overrides,
    line: { ...profile.line, bauds: profile.baudsAllowed },
    address: profile.address,
    capabilities: profile.capabilities,
    keys: describeKeys(profile),
    shows: shownBy(profile),
    commands: commandsOf(profile),
    poll: profile.poll,
    health: profile.health ?? { none: profile.healthNone },
    encodings: profile.text.encodings,
    site: profile.site,
    notes: profile.notes,
  }
  terminal.print(options, summary, () => describe(summary, terminal).join('\n'))
}

/** What goes to the pad for each intent: bytes, or the patterns of a board. */
function shownBy(profile: Profile): Record<string, string[]> {
  if (profile.board) {
    const patterns = Object.entries(profile.board.patterns)
    return Object.fromEntries(patterns.map(([name, pattern]) => [name, pattern ? [describePattern(pattern)] : []]))
  }
  const codec = createPadCodec(profile)
  const stepsOf = (intent: PadIntent) =>
    intent === 'clerk'
      ? clerkSteps(profile, '001').flatMap(step => codec.all(step.command, step.with))
      : codec.command(intent)
  return Object.fromEntries(INTENTS.map(intent => [intent, stepsOf(intent).map(describeStep)]))
}

/** Every command with the bytes of its example values. */
function commandsOf(profile: Profile): { name: string; meaning: Text; parameters: string[]; bytes: string[] }[] {
  const codec = createPadCodec(profile)
  return Object.values(profile.commands).map(command => ({
    name: command.name,
    meaning: command.meaning,
    parameters: Object.keys(command.parameters),
    bytes: codec.all(command.name, exampleValues(command)).map(step => formatBytes(step.bytes)),
  }))
}

function describeStep({ name, bytes, waitAfterMs, expects }: CommandStep): string {
  const wait = waitAfterMs > 0 ? ` (${waitAfterMs}ms)` : ''
  const answer = expects
    ? `  ← ${expects.isEcho ? '=' : expects.events.join(' | ') || '—'} ≤ ${expects.withinMs}ms`
    : ''
  return `${name}: ${formatBytes(bytes)}${wait}${answer}`
}

type Summary = Pick<
  Profile,
  | 'id'
  | 'version'
  | 'kind'
  | 'title'
  | 'evidence'
  | 'evidences'
  | 'source'
  | 'variant'
  | 'variants'
  | 'address'
  | 'poll'
  | 'site'
  | 'notes'
> & {
  line: Profile['line'] & { bauds: readonly number[] }
  capabilities: Profile['capabilities']
  keys: Text[]
  shows: Record<string, string[]>
  settings: SiteOverrides
  commands: ReturnType<typeof commandsOf>
  health: Profile['health'] | { none: string | null }
  encodings: readonly string[]
}

function describe(summary: Summary, { say }: Terminal): string[] {
  const { line, address, poll, health, settings, variant } = summary
  const list = (items: readonly string[]) => items.map(item => `  ${item}`)
  const part = (title: Text, items: readonly string[]) => (items.length > 0 ? [say(title), ...list(items)] : [])
  const one = (title: Text, text: string | null) => (text ? [`${say(title)}${text}`] : [])
  return [
    `${say(summary.title)}  ${summary.id} v${summary.version}${variant === null ? '' : ` (${variant})`}`,
    ...one({ zh: '依据：', en: 'Known from: ' }, `${summary.evidence}, ${summary.source}`),
    ...part(
      { zh: '依据不同的部分：', en: 'Known otherwise:' },
      summary.evidences.map(({ path, evidence }) => `${path}: ${evidence}`),
    ),
    ...part(
      { zh: '变体：', en: 'Variants:' },
      summary.variants.map(({ name, title }) => `${name}: ${say(title)}`),
    ),
    ...one(
      { zh: '线路：', en: 'Line: ' },
      `${line.bauds.join('/')} ${line.dataBits}${line.parity[0]!.toUpperCase()}${line.stopBits}`,
    ),
    ...one(
      { zh: '地址：', en: 'Address: ' },
      address && `${settings.address ?? address.default} (${address.min}–${address.max})`,
    ),
    ...one({ zh: '能力：', en: 'It can: ' }, describeCapabilities(summary.capabilities)),
    ...one({ zh: '文字编码：', en: 'Encodings: ' }, summary.encodings.join(', ')),
    ...part({ zh: '按键：', en: 'Keys:' }, summary.keys.map(say)),
    ...part(
      { zh: '意图：', en: 'Intents:' },
      Object.entries(summary.shows).flatMap(([intent, steps]) => steps.map(step => `${intent}  ${step}`)),
    ),
    ...part(
      { zh: '命令：', en: 'Commands:' },
      summary.commands.map(({ name, meaning, bytes }) => `${name}: ${say(meaning)}  ${bytes.join(' | ')}`),
    ),
    ...one(
      { zh: '轮询：', en: 'Polled: ' },
      poll && `${poll.command}, ${poll.armedMs}ms / ${poll.idleMs}ms, ${poll.failuresMax}×`,
    ),
    ...one(
      { zh: '健康查询：', en: 'Health: ' },
      health && 'command' in health
        ? `${health.command}, ${health.everyMs}ms, ${health.failuresMax}×`
        : health && `— ${health.none ?? ''}`,
    ),
    ...one({ zh: '现场可改：', en: 'A site may set: ' }, summary.site.join(', ') || '—'),
    ...part({ zh: '备注：', en: 'Notes:' }, summary.notes),
  ]
}

function describeCapabilities(capabilities: Profile['capabilities']): string {
  return Object.entries(capabilities)
    .filter(([, value]) => value !== false && value !== 'none' && value !== 0)
    .map(([name, value]) => (value === true ? name : `${name} ${value}`))
    .join(', ')
}
