import { parseBytes } from './bytes.ts'
import { fieldSize } from './compile-frame.ts'
import type { FieldFile, FrameFile } from './frame-schema.ts'
import { notAmong, type Report } from './report.ts'

type Key = Exclude<keyof FieldFile, 'name' | 'is' | 'variants'>
const BELONGS: Record<FieldFile['is'], { needs: Key[]; may: Key[] }> = {
  constant: { needs: ['bytes'], may: [] },
  length: { needs: ['from', 'to'], may: ['size', 'endian', 'coded', 'unit', 'adjust'] },
  repeat: { needs: ['of'], may: [] },
  address: { needs: [], may: ['size'] },
  value: { needs: ['size'], may: ['oneOf'] },
  rest: { needs: [], may: ['ends', 'parameter', 'per'] },
  checksum: { needs: ['algorithm', 'from', 'to'], may: ['endian', 'coded', 'crc', 'over'] },
}

/** Finds what in the fields of one frame cannot be. False when nothing further can be said of it. */
export function checkLayout(frame: FrameFile, layout: FieldFile[], path: (string | number)[], report: Report): boolean {
  let isSound = true
  const found: Report = (at, message) => {
    isSound = false
    report(at, message)
  }
  // Paths count the fields of the file, also those of other variants.
  const at = (field: FieldFile) => [...path, frame.layout!.indexOf(field)]
  for (const field of layout) checkKeys(field, at(field), found)
  if (!isSound) return false
  const indexOf = (name: string) =>
    name === 'end' ? layout.length - 1 : layout.findIndex(field => field.name === name)
  for (const [i, field] of layout.entries()) {
    if (field.name === 'end') found([...at(field), 'name'], 'end is the name of the last field, whatever it is')
    if (indexOf(field.name) !== i && field.name !== 'end') found([...at(field), 'name'], `is used twice: ${field.name}`)
    for (const key of ['from', 'to', 'of'] as const) {
      if (field[key] !== undefined && indexOf(field[key]) < 0) {
        found([...at(field), key], notAmong('field', field[key], [...layout.map(({ name }) => name), 'end']))
      }
    }
    if (field.is === 'repeat' && indexOf(field.of!) >= i) found([...at(field), 'of'], 'must come before')
    if (field.is === 'checksum' && indexOf(field.to!) >= i) found([...at(field), 'to'], 'must come before the checksum')
    if (field.from && field.to && indexOf(field.to) >= 0 && indexOf(field.from) > indexOf(field.to)) {
      found([...at(field), 'from'], 'must not come after to')
    }
  }
  if (!isSound) return false
  for (const is of ['rest', 'address'] as const) {
    const [, second] = layout.filter(field => field.is === is)
    if (second) found(at(second), `only one ${is} field is possible`)
  }
  checkHead(frame, layout, path, found)
  checkRest(frame, layout, path, found)
  for (const field of layout) if (field.is === 'length') checkLength(frame, layout, field, at(field), indexOf, found)
  return isSound
}

function checkKeys(field: FieldFile, path: (string | number)[], report: Report) {
  const { needs, may } = BELONGS[field.is]
  for (const key of needs) if (field[key] === undefined) report(path, `a ${field.is} field needs ${key}`)
  for (const key of Object.keys(field)) {
    if (key === 'name' || key === 'is' || key === 'variants') continue
    if (![...needs, ...may].includes(key as Key)) {
      report(
        [...path, key],
        `means nothing for a ${field.is} field; allowed: ${['name', 'is', ...needs, ...may, 'variants'].join(', ')}`,
      )
    }
  }
  const isLength = field.is === 'length'
  if (isLength && field.coded === 'hex') report([...path, 'coded'], 'a length is binary or decimal')
  if (isLength && (field.size ?? 1) > (field.coded === 'decimal' ? 6 : 2)) report([...path, 'size'], 'is too large')
  if (field.is === 'address' && (field.size ?? 1) > 2) report([...path, 'size'], 'must be 1 or 2')
  if (field.is === 'checksum') {
    if (field.coded === 'decimal') report([...path, 'coded'], 'a checksum is binary or hex')
    if ((field.algorithm === 'crc') !== (field.crc !== undefined)) {
      report(path, 'algorithm crc and the part crc belong together')
    }
    checkCrc(field, path, report)
  }
  if (field.oneOf !== undefined && field.size !== 1) report([...path, 'oneOf'], 'needs a value of one byte')
  if (field.is === 'rest' && (field.ends === 'request') !== (field.parameter !== undefined)) {
    report(path, 'ends: request and parameter belong together')
  }
}

function checkCrc({ crc }: FieldFile, path: (string | number)[], report: Report) {
  if (!crc) return
  for (const key of ['poly', 'init', 'xorOut'] as const) {
    const value = Number.parseInt(crc[key] ?? '0', 16)
    if (value >= 2 ** crc.width) report([...path, 'crc', key], `does not fit ${crc.width} bits`)
  }
}

/** What from the pad begins with anything at all would take noise for a frame. */
function checkHead(frame: FrameFile, layout: FieldFile[], path: (string | number)[], report: Report) {
  const [first] = layout
  if (first?.is === 'repeat' || first?.is === 'checksum' || first?.is === 'length') {
    report([...path, 0], `a frame cannot begin with a ${first.is}`)
  }
  if (frame.direction === 'to-pad') return
  const hasHead = first?.is === 'constant' || first?.oneOf !== undefined
  const isProven = layout.some(({ is }) => is === 'checksum') || frame.believed === 'while-requested'
  const isDelimited = layout.some(({ ends }) => ends === 'tail')
  if (!hasHead && !isProven && !isDelimited) {
    report([...path, 0], 'a frame from the pad needs a constant head, a checksum or a tail')
  }
}

function checkRest(frame: FrameFile, layout: FieldFile[], path: (string | number)[], report: Report) {
  const rest = layout.findIndex(({ is }) => is === 'rest')
  const parent = path.slice(0, -1)
  if (rest < 0) {
    for (const key of ['restBytesMin', 'restBytesMax'] as const) {
      if (frame[key] !== undefined) report([...parent, key], 'means nothing without a rest')
    }
    return
  }
  const at = [...path, frame.layout!.indexOf(layout[rest]!)]
  const ends = layout[rest]!.ends ?? 'length'
  const counting = layout.findIndex((field, i) => i < rest && field.is === 'length' && isBetween(layout, field, rest))
  if (ends === 'length' && counting < 0)
    report(at, 'needs a length field before it that counts it, or says what ends it')
  if ((ends === 'tail' || ends === 'silence') && counting >= 0)
    report(at, `ends by ${ends}, but a length field counts it`)
  if (ends === 'tail' && !layout.some(({ is }, i) => i > rest && is === 'constant')) {
    report(at, 'needs a constant behind it that ends it')
  }
  const { restBytesMin: min = 0, restBytesMax: max } = frame
  if (max === undefined) report([...parent, 'restBytesMax'], 'is required for a layout with a rest')
  else if (max < min) report([...parent, 'restBytesMax'], 'must not be below restBytesMin')
}

function isBetween(layout: FieldFile[], { from, to }: FieldFile, at: number): boolean {
  const indexOf = (name: string) =>
    name === 'end' ? layout.length - 1 : layout.findIndex(field => field.name === name)
  return indexOf(from!) <= at && at <= indexOf(to!)
}

function checkLength(
  frame: FrameFile,
  layout: FieldFile[],
  field: FieldFile,
  path: (string | number)[],
  indexOf: (name: string) => number,
  report: Report,
) {
  const counted = layout.slice(indexOf(field.from!), indexOf(field.to!) + 1)
  const fixed = counted.reduce((sum, one) => sum + fieldSize(one, layout), 0)
  const hasRest = counted.some(({ is }) => is === 'rest')
  const unit = field.unit === 'words' ? 2 : 1
  const least = (fixed + (hasRest ? (frame.restBytesMin ?? 0) : 0)) / unit + (field.adjust ?? 0)
  const most = (fixed + (hasRest ? (frame.restBytesMax ?? 0) : 0)) / unit + (field.adjust ?? 0)
  const limit = (field.coded === 'decimal' ? 10 : 256) ** (field.size ?? 1) - 1
  if (most > limit) report(path, `the longest frame does not fit its length: ${Math.ceil(most)}, at most ${limit}`)
  if (least < 0) report([...path, 'adjust'], 'makes the shortest frame less than nothing')
  if (unit === 2 && fixed % 2 === 1)
    report([...path, 'unit'], 'counts words, but an odd number of bytes besides the rest')
}

/** The bytes a frame can begin with; null for any. */
export function firstBytes(layout: FieldFile[]): readonly number[] | null {
  const [first] = layout
  if (first?.is === 'constant') return parseBytes(first.bytes!).slice(0, 1)
  return first?.oneOf ? parseBytes(first.oneOf) : null
}
