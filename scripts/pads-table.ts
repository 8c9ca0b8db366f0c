import { readFileSync } from 'node:fs'
import { loadProfile } from '#agent/pad/load-profile.ts'
import type { Profile } from '#agent/pad/profile.ts'
import { allProfileFolders } from '#virtual-pad/profile-folder.ts'

const BEGIN = '<!-- generated: pads and abilities, by npm run generate -->'
const END = '<!-- end of generated -->'

/** A document with the table of pads between its markers made anew; all else stays as it was written. */
export function withPadsTable(document: string): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`docs/pads.md has lost the line ${begin < 0 ? BEGIN : END}`)
  return `${document.slice(0, begin + BEGIN.length)}\n\n${padsTable()}\n\n${document.slice(end)}`
}

export const padsDocument = () => withPadsTable(readFileSync('docs/pads.md', 'utf8'))

function padsTable(): string {
  const profiles = allProfileFolders().map(folder => {
    const loaded = loadProfile(folder)
    if (!loaded.ok) throw new Error(loaded.error.detail)
    return loaded.value
  })
  const rows = profiles.toSorted((a, b) => (a.id < b.id ? -1 : 1)).map(rowOf)
  const heads = [
    'profile',
    '型号 pad',
    'keys',
    'line',
    'speaks',
    'screen, voice, lamps',
    'health',
    'variants',
    'evidence',
  ]
  return [heads, heads.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

function rowOf(profile: Profile): string[] {
  const { id, title, capabilities, line, address, evidence, variants, board } = profile
  const baud = `${profile.baudsAllowed.join(', ')} ${line.dataBits}${line.parity[0]!.toUpperCase()}${line.stopBits}`
  const shows = [
    capabilities.screen === 'none' ? '' : capabilities.screen,
    capabilities.voice === 'none' ? '' : capabilities.voice,
    capabilities.lamps ? 'lamps' : '',
    capabilities.brightness ? 'brightness' : '',
  ]
  return [
    `\`${id}\``,
    `${title.zh} · ${title.en}`,
    String(capabilities.levels),
    address ? `${baud}, address ${address.min}–${address.max}` : baud,
    board ? board.firmware : profile.poll ? 'when polled' : profile.kind === 'output' ? 'output only' : 'by itself',
    shows.filter(Boolean).join(', ') || '—',
    profile.health?.command ?? (profile.poll ? `by polling (${profile.poll.command})` : '—'),
    variants.map(({ name }) => name).join(', ') || '—',
    evidence,
  ]
}
