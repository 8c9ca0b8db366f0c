import { numberOf, parseBytes } from './bytes.ts'
import { fieldSize, fieldsInForce, parseTypeFields } from './compile-frame.ts'
import { FRAME_BYTES_MAX, type FrameFile } from './frame-schema.ts'
import { checkLayout } from './layout-relations.ts'
import type { Report } from './report.ts'

const BELONGS: Record<FrameFile['kind'], { needs: (keyof FrameFile)[]; may: (keyof FrameFile)[] }> = {
  fields: { needs: ['layout'], may: ['restBytesMin', 'restBytesMax', 'stuffing'] },
  byte: { needs: ['first', 'last'], may: [] },
  table: { needs: ['types'], may: ['tail', 'restBytesMin', 'restBytesMax'] },
  line: { needs: ['end', 'lineBytesMax'], may: ['strip'] },
  'start-bit': { needs: ['lengths'], may: ['subframeBytesMax'] },
}
const COMMON: readonly string[] = ['kind', 'direction', 'believed', 'evidence']

/** Finds what in one frame cannot be read or built, whatever the bytes. */
export function checkFrame(name: string, frame: FrameFile, variants: readonly string[], report: Report) {
  const path = ['frames', name]
  const { needs, may } = BELONGS[frame.kind]
  for (const key of needs) {
    if (frame[key] === undefined) report([...path, key], `is required for a frame of kind ${frame.kind}`)
  }
  for (const key of Object.keys(frame) as (keyof FrameFile)[]) {
    if (!COMMON.includes(key) && !needs.includes(key) && !may.includes(key)) {
      report(
        [...path, key],
        `means nothing for a frame of kind ${frame.kind}; allowed: ${[...COMMON, ...needs, ...may].join(', ')}`,
      )
    }
  }
  if (needs.some(key => frame[key] === undefined)) return
  if (frame.kind === 'fields') checkFields(frame, path, variants, report)
  if (frame.kind === 'table') checkTable(frame, path, report)
  if (frame.kind === 'line') checkLine(frame, path, report)
  if (frame.kind === 'byte' && numberOf(parseBytes(frame.first!)) > numberOf(parseBytes(frame.last!))) {
    report([...path, 'first'], 'must not be above last')
  }
}

function checkFields(frame: FrameFile, path: string[], variants: readonly string[], report: Report) {
  const layout = fieldsInForce(frame.layout!, variants)
  const isSound = checkLayout(frame, layout, [...path, 'layout'], report)
  if (!isSound) return
  const fixed = layout.reduce((sum, field) => sum + fieldSize(field, layout), 0)
  const longest = fixed + (layout.some(({ is }) => is === 'rest') ? (frame.restBytesMax ?? 0) : 0)
  if (longest > FRAME_BYTES_MAX) report(path, `may be ${longest} bytes long, at most ${FRAME_BYTES_MAX} are possible`)
  if (frame.stuffing) checkStuffing(frame, layout, path, report)
}

function checkStuffing(frame: FrameFile, layout: ReturnType<typeof fieldsInForce>, path: string[], report: Report) {
  const { escape: escapeByte, set } = frame.stuffing!
  if (!parseBytes(set).includes(Number.parseInt(escapeByte, 16))) {
    report([...path, 'stuffing', 'set'], `must hold the escape byte ${escapeByte} itself`)
  }
  const rest = layout.findIndex(({ is }) => is === 'rest')
  if (layout[0]?.is !== 'constant') report([...path, 'layout'], 'byte stuffing needs a head')
  const last = layout.at(-1)
  if (rest < 0 || layout[rest]!.ends !== 'tail') return
  if (last?.is !== 'constant') return report([...path, 'layout'], 'the tail must be the last field')
  const [first] = parseBytes(last.bytes!)
  if (!parseBytes(set).includes(first!)) {
    report([...path, 'stuffing', 'set'], 'must hold the first byte of the tail, or the tail can stand in the data')
  }
}

function checkTable(frame: FrameFile, path: string[], report: Report) {
  const codes = Object.keys(frame.types!).map(code => code.toUpperCase())
  if (codes.length === 0) report([...path, 'types'], 'needs at least one type')
  for (const [code, text] of Object.entries(frame.types!)) {
    const at = [...path, 'types', code]
    if (codes.indexOf(code.toUpperCase()) !== codes.lastIndexOf(code.toUpperCase())) report(at, 'stands here twice')
    const fields = parseTypeFields(text)
    const names = fields.map(([name]) => name)
    for (const name of names) {
      if (name === 'type' || name === 'tail' || names.indexOf(name) !== names.lastIndexOf(name)) {
        report(at, `cannot name a field ${name} here`)
      }
    }
    const rests = fields.filter(([, size]) => size < 0).length
    if (rests > 1 || (rests === 1 && fields.at(-1)![1] >= 0)) report(at, 'only the last field can be a rest')
    if (rests === 1 && !frame.tail) report(at, 'a rest needs the tail that ends it')
    if (rests === 1 && frame.restBytesMax === undefined) report([...path, 'restBytesMax'], 'is required for a rest')
  }
}

function checkLine(frame: FrameFile, path: string[], report: Report) {
  for (const key of ['end', 'strip'] as const) {
    const bytes = frame[key] === undefined ? [] : parseBytes(frame[key])
    if (bytes.some(byte => byte >= 0x20)) report([...path, key], 'must be control bytes, such as "0D 0A"')
  }
}
