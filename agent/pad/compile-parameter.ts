import { parseBytes } from './bytes.ts'
import type { CommandFile, ParameterFile } from './command-schema.ts'
import type { Encoding } from './encoding-names.ts'
import type { Parameter, TextParameter } from './parameter.ts'

/** Every parameter of a command; `textBytes` is what the site says of the length of texts. */
export function compileParameters(
  command: CommandFile,
  textBytes: Readonly<Record<string, number>>,
): Record<string, Parameter> {
  const files = Object.entries(command.parameters ?? {})
  const texts = new Map(
    files.filter(([, { as }]) => as === 'text').map(([name, file]) => [name, compileText(name, file, textBytes[name])]),
  )
  return Object.fromEntries(files.map(([name, file]) => [name, texts.get(name) ?? compileOther(name, file, texts)]))
}

function compileText(name: string, file: ParameterFile, siteBytes: number | undefined): TextParameter {
  const escapes = Object.entries(file.escapes ?? {})
  const table = Array.from({ length: escapes.length > 0 ? 256 : 0 }, (_, byte) => {
    const found = escapes.find(([from]) => Number.parseInt(from, 16) === byte)
    return found ? parseBytes(found[1]) : null
  })
  return {
    ...baseOf(name, file),
    as: 'text',
    encoding: file.encoding ?? null,
    bytesMax: siteBytes ?? file.bytesMax!,
    padWith: file.padWith ? parseBytes(file.padWith) : null,
    terminator: file.terminator ? parseBytes(file.terminator) : [],
    escapes: table,
    isEscapingTrails: file.escapesIn === 'bytes',
    isSevenBit: file.sevenBit ?? false,
  }
}

function compileOther(name: string, file: ParameterFile, texts: ReadonlyMap<string, TextParameter>): Parameter {
  const base = baseOf(name, file)
  const coded = { size: file.bytes ?? 1, isDecimal: file.coded === 'decimal', isLittle: file.endian === 'little' }
  switch (file.as ?? 'number') {
    case 'encoding': {
      const codes = Object.entries(file.codes ?? {}) as [Encoding, string][]
      return { ...base, as: 'encoding', codes: Object.fromEntries(codes.map(([key, text]) => [key, parseBytes(text)])) }
    }
    case 'size-of':
      return { ...base, as: 'size-of', of: texts.get(file.of!)!, ...coded }
    case 'segment-number':
    case 'segment-count':
      return { ...base, as: file.as as 'segment-number', first: file.min ?? 1, ...coded }
    default:
      return {
        ...base,
        as: (file.as ?? 'number') as 'number',
        size: file.bytes ?? (file.as === 'decimal' ? 0 : 1),
        isLittle: file.endian === 'little',
        min: file.min!,
        max: file.max!,
        scale: file.scale ?? { value: 1, wire: 1 },
        blank: file.blank === undefined ? null : Number.parseInt(file.blank, 16),
      }
  }
}

function baseOf(name: string, file: ParameterFile) {
  return { name, meaning: file.meaning, default: file.default ?? null }
}
