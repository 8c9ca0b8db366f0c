import { parseBytes } from './bytes.ts'
import { type ChecksumName, type CrcParameters, createChecksum } from './checksum.ts'
import {
  BYTE_FIELD,
  DATA_FIELD,
  type Field,
  type Frame,
  type Layout,
  LINE_FIELD,
  START_FIELD,
  type Stuffing,
  TYPE_FIELD,
} from './frame.ts'
import type { FieldFile, FrameFile } from './frame-schema.ts'

/** Works out where every field stands. The file must have passed `checkFrame`; fields of other variants are left out. */
export function compileFrame(name: string, file: FrameFile, variants: readonly string[]): Frame {
  const base = { name, direction: file.direction, believed: file.believed ?? 'always' }
  switch (file.kind) {
    case 'byte':
      return {
        ...base,
        kind: 'byte',
        layout: layoutOfSizes([[BYTE_FIELD, 1]]),
        first: Number.parseInt(file.first!, 16),
        last: Number.parseInt(file.last!, 16),
      }
    case 'table':
      return { ...base, kind: 'table', types: compileTypes(file) }
    case 'line':
      return {
        ...base,
        kind: 'line',
        layout: layoutOfSizes([[LINE_FIELD, -1]], 1, file.lineBytesMax!),
        end: parseBytes(file.end!),
        strip: file.strip ? parseBytes(file.strip) : [],
        lineBytesMax: file.lineBytesMax!,
      }
    case 'start-bit':
      return {
        ...base,
        kind: 'start-bit',
        layout: layoutOfSizes(
          [START_FIELD, DATA_FIELD].map((field, i) => [field, i === 0 ? 1 : -1]),
          0,
          500,
        ),
        lengths: compileLengths(file.lengths ?? {}),
        subframeBytesMax: file.subframeBytesMax ?? 0,
      }
    case 'fields': {
      const fields = fieldsInForce(file.layout!, variants)
      return {
        ...base,
        kind: 'fields',
        layout: compileLayout(fields, file.restBytesMin ?? 0, file.restBytesMax ?? 0),
        stuffing: file.stuffing ? compileStuffing(file.stuffing) : null,
      }
    }
  }
}

export function fieldsInForce(layout: readonly FieldFile[], variants: readonly string[]): FieldFile[] {
  return layout.filter(field => field.variants?.some(name => variants.includes(name)) ?? true)
}

/** Bytes of a field; 0 for the rest. */
export function fieldSize(file: FieldFile, fields: readonly FieldFile[]): number {
  switch (file.is) {
    case 'constant':
      return parseBytes(file.bytes!).length
    case 'repeat': {
      const of = fields.find(({ name }) => name === file.of)!
      return fieldSize(of, fields)
    }
    case 'checksum':
      return createChecksum(file.algorithm as ChecksumName, crcOf(file)).size * (file.coded === 'hex' ? 2 : 1)
    case 'rest':
      return 0
    default:
      return file.size ?? 1
  }
}

function compileLayout(files: readonly FieldFile[], restBytesMin: number, restBytesMax: number): Layout {
  const restAt = files.findIndex(({ is }) => is === 'rest')
  const sizes = files.map(file => fieldSize(file, files))
  const sum = (from: number, to: number) => sizes.slice(from, to + 1).reduce((total, size) => total + size, 0)
  const indexOf = (name: string) => (name === 'end' ? files.length - 1 : files.findIndex(file => file.name === name))
  const isTailed = restAt >= 0 && files[restAt]!.ends === 'tail'
  return {
    fields: files.map((file, i) => ({
      name: file.name,
      offset: sum(0, i - 1),
      isAfterRest: restAt >= 0 && i > restAt,
      size: file.is === 'rest' ? -1 : sizes[i]!,
      ...compileField(file, indexOf, sum, restAt),
    })),
    restAt,
    restBytesMin: restAt < 0 ? 0 : restBytesMin,
    restBytesMax: restAt < 0 ? 0 : restBytesMax,
    tailAt: isTailed ? files.findIndex(({ is }, i) => i > restAt && is === 'constant') : -1,
    fixedBytes: sum(0, files.length - 1),
  }
}

type Kind<F = Field> = F extends Field ? Omit<F, 'name' | 'offset' | 'isAfterRest' | 'size'> : never

function compileField(
  file: FieldFile,
  indexOf: (name: string) => number,
  sum: (from: number, to: number) => number,
  restAt: number,
): Kind {
  switch (file.is) {
    case 'constant':
      return { is: 'constant', bytes: parseBytes(file.bytes!) }
    case 'length': {
      const [from, to] = [indexOf(file.from!), indexOf(file.to!)]
      return {
        is: 'length',
        isLittle: file.endian === 'little',
        isDecimal: file.coded === 'decimal',
        unitBytes: file.unit === 'words' ? 2 : 1,
        adjust: file.adjust ?? 0,
        countedBytes: sum(from, to),
        isRestCounted: restAt >= from && restAt <= to,
      }
    }
    case 'repeat':
      return { is: 'repeat', of: indexOf(file.of!) }
    case 'address':
      return { is: 'address' }
    case 'value':
      return { is: 'value', allowed: file.oneOf ? flags(parseBytes(file.oneOf)) : null }
    case 'rest':
      return {
        is: 'rest',
        ends: file.ends ?? 'length',
        parameter: file.parameter ?? '',
        per: file.per ?? 'bytes',
      }
    case 'checksum':
      return {
        is: 'checksum',
        algorithm: file.algorithm as ChecksumName,
        crc: crcOf(file) ?? null,
        from: indexOf(file.from!),
        to: indexOf(file.to!),
        isLittle: file.endian === 'little',
        isHex: file.coded === 'hex',
        isOverWire: file.over === 'wire',
      }
  }
}

const hex = (text: string | undefined) => (text === undefined ? 0 : Number.parseInt(text, 16))

function crcOf({ crc }: FieldFile): CrcParameters | undefined {
  return (
    crc && {
      width: crc.width as CrcParameters['width'],
      poly: hex(crc.poly),
      init: hex(crc.init),
      reflectIn: crc.reflectIn ?? false,
      reflectOut: crc.reflectOut ?? false,
      xorOut: hex(crc.xorOut),
    }
  )
}

const flags = (bytes: Iterable<number>): boolean[] => {
  const set = new Set(bytes)
  return Array.from({ length: 256 }, (_, byte) => set.has(byte))
}

function compileStuffing(file: NonNullable<FrameFile['stuffing']>): Stuffing {
  return {
    escape: hex(file.escape),
    xor: file.xor === undefined ? null : hex(file.xor),
    isEscaped: flags(parseBytes(file.set)),
  }
}

/** "page component/2 text/rest" as names and sizes; -1 is the rest. */
export function parseTypeFields(text: string): [string, number][] {
  if (text === '') return []
  return text.split(' ').map(part => {
    const [name = '', size = '1'] = part.split('/')
    return [name, size === 'rest' ? -1 : Number(size)]
  })
}

function compileTypes(file: FrameFile): (Layout | null)[] {
  const types = new Array<Layout | null>(256).fill(null)
  for (const [type, text] of Object.entries(file.types!)) {
    const fields: FieldFile[] = [
      { name: TYPE_FIELD, is: 'constant', bytes: type },
      ...parseTypeFields(text).map(
        ([name, size]): FieldFile => (size < 0 ? { name, is: 'rest', ends: 'tail' } : { name, is: 'value', size }),
      ),
      ...(file.tail ? [{ name: 'tail', is: 'constant' as const, bytes: file.tail }] : []),
    ]
    types[hex(type)] = compileLayout(fields, file.restBytesMin ?? 0, file.restBytesMax ?? 0)
  }
  return types
}

function compileLengths(lengths: Record<string, number>): number[] {
  return Array.from({ length: 256 }, (_, byte) => {
    const found = Object.entries(lengths).find(([start]) => {
      const code = hex(start)
      return code < 0xf0 ? code >> 4 === byte >> 4 : code === byte
    })
    return found ? found[1] : -1
  })
}

/** The layout of a frame that is not given field by field. */
function layoutOfSizes(sizes: [string, number][], restBytesMin = 0, restBytesMax = 0): Layout {
  const fields = sizes.map(
    ([name, size]): FieldFile => (size < 0 ? { name, is: 'rest', ends: 'silence' } : { name, is: 'value', size }),
  )
  return compileLayout(fields, restBytesMin, restBytesMax)
}
