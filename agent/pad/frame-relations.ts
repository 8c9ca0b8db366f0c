import { numberOf, parseBytes } from './bytes.ts'
import type { FieldFile, FrameFile } from './profile-schema.ts'

/** Takes one problem and the path of the place it stands in. */
export type Report = (path: (string | number)[], message: string) => void

/** Finds what in one frame cannot be read or built, whatever the bytes. */
export function checkFrame(name: string, frame: FrameFile, report: Report) {
  const path = ['frames', name]
  if (frame.kind === 'byte') {
    for (const key of ['first', 'last'] as const) {
      const text = frame[key]
      if (text === undefined) report([...path, key], 'is required for a frame of kind byte')
      else if (parseBytes(text).length !== 1) report([...path, key], 'must be one byte')
    }
    if (frame.first && frame.last && numberOf(parseBytes(frame.first)) > numberOf(parseBytes(frame.last))) {
      report([...path, 'first'], 'must not be above last')
    }
    return
  }
  if (!frame.layout) return report([...path, 'layout'], 'is required for a frame of kind fields')
  checkLayout(frame, frame.layout, [...path, 'layout'], report)
}

const NEEDS: Partial<Record<FieldFile['is'], (keyof FieldFile)[]>> = {
  constant: ['bytes'],
  length: ['from', 'to'],
  repeat: ['of'],
  value: ['size'],
  checksum: ['algorithm', 'from', 'to'],
}
const OPTIONAL_KEYS = ['bytes', 'size', 'from', 'to', 'of', 'algorithm'] as const

function checkLayout(frame: FrameFile, layout: FieldFile[], path: (string | number)[], report: Report) {
  const indexOf = (name: string | undefined) => layout.findIndex(field => field.name === name)
  for (const [i, field] of layout.entries()) {
    const at = [...path, i]
    const needs = NEEDS[field.is] ?? []
    for (const key of needs) if (field[key] === undefined) report(at, `a ${field.is} field needs ${key}`)
    for (const key of OPTIONAL_KEYS) {
      if (field[key] !== undefined && !needs.includes(key))
        report([...at, key], `means nothing for a ${field.is} field`)
    }
    if (indexOf(field.name) !== i) report([...at, 'name'], `is used twice: ${field.name}`)
    for (const key of ['from', 'to', 'of'] as const) {
      if (field[key] !== undefined && indexOf(field[key]) < 0) report([...at, key], `is no field: ${field[key]}`)
    }
    if (field.is === 'repeat' && indexOf(field.of) >= i) report([...at, 'of'], 'must come before')
    if (field.is === 'checksum' && indexOf(field.to) >= i) report([...at, 'to'], 'must come before the checksum')
    if (indexOf(field.from) > indexOf(field.to)) report([...at, 'from'], 'must not come after to')
  }
  if (layout[0]?.is !== 'constant') report([...path, 0], 'a layout must begin with a constant head')
  checkRest(frame, layout, path, report)
}

function checkRest(frame: FrameFile, layout: FieldFile[], path: (string | number)[], report: Report) {
  const indexesOf = (is: FieldFile['is']) => [...layout.keys()].filter(i => layout[i]!.is === is)
  for (const is of ['length', 'rest', 'address'] as const) {
    if (indexesOf(is).length > 1) report([...path, indexesOf(is)[1]!], `only one ${is} field is possible`)
  }
  const [rest] = indexesOf('rest')
  const [length] = indexesOf('length')
  if (rest === undefined) return
  if (length === undefined || length > rest) return report([...path, rest], 'a rest needs a length field before it')
  const { from, to } = layout[length]!
  const fromAt = layout.findIndex(({ name }) => name === from)
  const toAt = layout.findIndex(({ name }) => name === to)
  if (rest < fromAt || rest > toAt) report([...path, length], 'the length must count the rest')
  const min = frame.restBytesMin ?? 0
  const max = frame.restBytesMax
  if (max === undefined) report([...path.slice(0, -1), 'restBytesMax'], 'is required for a layout with a rest')
  else if (max < min) report([...path.slice(0, -1), 'restBytesMax'], 'must not be below restBytesMin')
  const fixed = layout.slice(fromAt, toAt + 1).reduce((sum, field) => sum + sizeOf(field), 0)
  if (max !== undefined && fixed + max > 255) {
    report([...path.slice(0, -1), 'restBytesMax'], `the longest frame does not fit its length byte: ${fixed + max}`)
  }
}

/** Bytes of a field, the rest counted as none. */
function sizeOf(field: FieldFile): number {
  if (field.is === 'constant') return field.bytes ? parseBytes(field.bytes).length : 0
  if (field.is === 'value') return field.size ?? 0
  return field.is === 'rest' ? 0 : 1
}
