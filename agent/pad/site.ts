import { createHash } from 'node:crypto'
import { fail, ok, type Result } from '#protocol/result.ts'
import { describeErrors } from '#protocol/schema-errors.ts'
import { compiledOf } from '#runtime/configuration.ts'
import type { ProfileFile } from './profile-schema.ts'
import { type SiteOverrides, SiteOverridesSchema } from './site-schema.ts'

export interface SiteFault {
  code: 'site-setting-not-allowed' | 'site-setting-not-valid'
  detail: string
}

/** Says what of the site's settings this profile does not let a site set. */
export function checkSite(
  file: Pick<ProfileFile, 'id' | 'site'>,
  overrides: SiteOverrides,
): Result<undefined, SiteFault> {
  const allowed: readonly string[] = file.site ?? []
  const refused = Object.keys(overrides).filter(name => !allowed.includes(name))
  if (refused.length > 0) {
    const list = allowed.length > 0 ? allowed.join(', ') : 'none'
    return fail('site-setting-not-allowed', `${file.id}: ${refused.join(', ')} cannot be set here; allowed: ${list}`)
  }
  const check = compiledOf(SiteOverridesSchema)
  return check.Check(overrides) ? ok() : notValid(file, describeErrors(check.Errors(overrides)))
}

/** The file as this installation has it; the variant must be in it already. */
export function applySite(file: ProfileFile, overrides: SiteOverrides): Result<ProfileFile, SiteFault> {
  const bauds = [file.line.baud, ...(file.line.baudAlternatives ?? [])]
  const baud = overrides.baud ?? file.line.baud
  if (!bauds.includes(baud)) return notValid(file, `baud must be one of ${bauds.join(', ')}, found ${baud}`)
  const address = overrides.address ?? file.address?.default ?? 0
  const { min = 0, max = 255 } = file.address ?? {}
  if (address < min || address > max) return notValid(file, `address must be from ${min} to ${max}, found ${address}`)
  const encodings = file.text ? [file.text.encoding, ...(file.text.encodings ?? [])] : []
  const { encoding } = overrides
  if (encoding !== undefined && !encodings.includes(encoding)) {
    return notValid(file, `encoding must be one of ${encodings.join(', ')}, found ${encoding}`)
  }
  const unknown = unknownNames(file, overrides)
  if (unknown !== undefined) return notValid(file, unknown)
  return ok(changed(file, overrides, baud, bauds))
}

function changed(file: ProfileFile, overrides: SiteOverrides, baud: number, bauds: number[]): ProfileFile {
  const { echo, encoding, grades, textBytes, timeouts } = overrides
  return {
    ...file,
    line: { ...file.line, baud, baudAlternatives: bauds.filter(other => other !== baud) },
    behaviour: {
      ...file.behaviour,
      ...(echo && { echo }),
      ...(timeouts?.silence && { silence: timeouts.silence }),
      ...(timeouts?.frame && { frame: timeouts.frame }),
    },
    ...(file.text && encoding && { text: withEncoding(file.text, encoding) }),
    events: grades ? mapValues(file.events, event => withGrades(event, grades)) : file.events,
    ...(file.board && grades && { board: withGrades(file.board, grades) }),
    commands: mapValues(file.commands, command => ({
      ...command,
      ...(command.parameters && textBytes && { parameters: withSizes(command.parameters, textBytes) }),
      ...(command.expects && timeouts?.answer && { expects: { ...command.expects, within: timeouts.answer } }),
    })),
  }
}

function unknownNames(file: ProfileFile, { grades = {}, textBytes = {} }: SiteOverrides): string | undefined {
  const tables = [...Object.values(file.events), ...(file.board ? [file.board] : [])]
  const raws = tables.flatMap(table => Object.keys(table.grades ?? {}).map(upper))
  const strange = Object.keys(grades).filter(raw => !raws.includes(upper(raw)))
  if (strange.length > 0) return `grades names raw values this pad does not have: ${strange.join(', ')}`
  const texts = Object.values(file.commands).flatMap(({ parameters }) =>
    Object.entries(parameters ?? {}).flatMap(([name, { as }]) => (as === 'text' ? [name] : [])),
  )
  const lost = Object.keys(textBytes).filter(name => !texts.includes(name))
  return lost.length > 0 ? `textBytes names texts this pad does not have: ${lost.join(', ')}` : undefined
}

function withEncoding(text: NonNullable<ProfileFile['text']>, encoding: NonNullable<SiteOverrides['encoding']>) {
  const others = [text.encoding, ...(text.encodings ?? [])].filter(other => other !== encoding)
  return { ...text, encoding, encodings: others }
}

type Grades = NonNullable<SiteOverrides['grades']>

function withGrades<T extends { grades?: Grades }>(table: T, grades: Grades): T {
  if (!table.grades) return table
  const wanted = new Map(Object.entries(grades).map(([raw, grade]) => [upper(raw), grade]))
  const own = Object.entries(table.grades).map(([raw, grade]) => [raw, wanted.get(upper(raw)) ?? grade])
  return { ...table, grades: Object.fromEntries(own) as Grades }
}

function withSizes<P extends { bytesMax?: number }>(parameters: Record<string, P>, sizes: Record<string, number>) {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, parameter]) => {
      const bytesMax = sizes[name]
      return [name, bytesMax === undefined ? parameter : { ...parameter, bytesMax }]
    }),
  )
}

/**
 * Names what a press means here. The entry that says what drives a window carries it, so a site that gives the
 * keys another order than the profile shows at the centre, as a profile nobody published; so does a variant.
 */
export function hashOfMeaning(hash: string, file: ProfileFile, site: ProfileFile, variant: string | undefined): string {
  const [own, sites] = [gradesOf(file), gradesOf(site)]
  if (own === sites && variant === undefined) return hash
  const added = [...(variant === undefined ? [] : [`variant ${variant}`]), ...(own === sites ? [] : [sites])]
  return createHash('sha256')
    .update([hash, ...added].join('\n'))
    .digest('hex')
}

function gradesOf({ events, board }: ProfileFile): string {
  const tables = [...Object.entries(events), ...(board ? [['board', board] as const] : [])]
  const lines = tables.flatMap(([name, { grades = {} }]) =>
    Object.entries(grades).map(([raw, grade]) => `${name} ${upper(raw)} ${grade}`),
  )
  return lines.sort().join('\n')
}

const upper = (raw: string) => raw.toUpperCase()

function mapValues<V>(record: Record<string, V>, change: (value: V) => V): Record<string, V> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]))
}

export function notValid(file: Pick<ProfileFile, 'id'>, detail: string) {
  return fail('site-setting-not-valid', `${file.id}: ${detail}`)
}
