import { fieldsInForce, parseTypeFields } from './compile-frame.ts'
import { BYTE_FIELD, DATA_FIELD, LINE_FIELD, START_FIELD, TYPE_FIELD } from './frame.ts'
import type { FrameFile } from './frame-schema.ts'
import type { Report } from './report.ts'

/** The fields of a frame that carry values, with how many bytes they can have. */
export type FieldSizes = Readonly<Record<string, { min: number; max: number }>>

const exactly = (size: number) => ({ min: size, max: size })

/** `type` is the first byte that a rule of a table asks for; without it only that byte can be spoken of. */
export function fieldSizes(frame: FrameFile, variants: readonly string[], type?: string): FieldSizes {
  const rest = { min: frame.restBytesMin ?? 0, max: frame.restBytesMax ?? 0 }
  switch (frame.kind) {
    case 'byte':
      return { [BYTE_FIELD]: exactly(1) }
    case 'line':
      return { [LINE_FIELD]: { min: 1, max: frame.lineBytesMax! } }
    case 'start-bit': {
      const longest = Math.max(frame.subframeBytesMax ?? 0, ...Object.values(frame.lengths!))
      return { [START_FIELD]: exactly(1), [DATA_FIELD]: { min: 0, max: longest } }
    }
    case 'table': {
      const found = Object.entries(frame.types!).find(([code]) => code.toUpperCase() === type?.toUpperCase())
      const fields = found ? parseTypeFields(found[1]) : []
      return {
        [TYPE_FIELD]: exactly(1),
        ...Object.fromEntries(fields.map(([name, size]) => [name, size < 0 ? rest : exactly(size)])),
      }
    }
    case 'fields': {
      const fields = fieldsInForce(frame.layout!, variants).filter(({ is }) => is === 'value' || is === 'rest')
      return Object.fromEntries(fields.map(({ name, is, size }) => [name, is === 'rest' ? rest : exactly(size!)]))
    }
  }
}

export function checkFits(
  sizes: FieldSizes,
  field: string,
  bytes: { min: number; max: number },
  path: (string | number)[],
  report: Report,
) {
  const size = sizes[field]
  if (!size) return report(path, `is no field with a value: ${field}; there are ${Object.keys(sizes).join(', ')}`)
  if (bytes.min >= size.min && bytes.max <= size.max) return
  report(path, `must have ${span(size)} bytes, found ${span(bytes)}`)
}

const span = ({ min, max }: { min: number; max: number }) => (min === max ? `${min}` : `${min} to ${max}`)
