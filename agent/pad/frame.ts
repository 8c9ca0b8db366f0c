import type { ByteList } from './bytes.ts'
import type { ChecksumName, CrcParameters } from './checksum.ts'

/** How bytes are cut into frames, as the engine uses it: everything that does not change is worked out once. */
export type Frame = FieldsFrame | ByteFrame | TableFrame | LineFrame | StartBitFrame

interface FrameBase {
  readonly name: string
  readonly direction: 'from-pad' | 'to-pad'
  readonly believed: 'always' | 'while-armed' | 'while-requested'
}

/** Fields in order; at most one of them, the rest, has no fixed size. */
export interface Layout {
  readonly fields: readonly Field[]
  /** Index of the rest; -1 where every field has a fixed size. */
  readonly restAt: number
  readonly restBytesMin: number
  readonly restBytesMax: number
  /** Index of the constant that ends a rest of unknown size; -1 where there is none. */
  readonly tailAt: number
  /** Bytes of all fields but the rest. */
  readonly fixedBytes: number
}

export interface FieldsFrame extends FrameBase {
  readonly kind: 'fields'
  readonly layout: Layout
  readonly stuffing: Stuffing | null
}

/** One bare byte; its only field is `byte`. */
export interface ByteFrame extends FrameBase {
  readonly kind: 'byte'
  readonly layout: Layout
  readonly first: number
  readonly last: number
}

/** The first byte, the field `type`, says which fields follow. */
export interface TableFrame extends FrameBase {
  readonly kind: 'table'
  readonly types: readonly (Layout | null)[]
}

/** Text up to a delimiter; its only field is `line`. */
export interface LineFrame extends FrameBase {
  readonly kind: 'line'
  readonly layout: Layout
  readonly end: ByteList
  readonly strip: ByteList
  readonly lineBytesMax: number
}

/** A byte from 80 begins a message, data bytes stay below; the fields are `start` and `data`. */
export interface StartBitFrame extends FrameBase {
  readonly kind: 'start-bit'
  readonly layout: Layout
  /** Data bytes behind each start byte; -1 where it begins nothing. */
  readonly lengths: readonly number[]
  /** Most bytes between F0 and F7; 0 where there are no such messages. */
  readonly subframeBytesMax: number
}

/** Where a field stands: `offset` counts the rest as nothing. */
interface Place {
  readonly name: string
  readonly offset: number
  readonly isAfterRest: boolean
  /** Bytes; -1 for the rest. */
  readonly size: number
}

export type Field = Place &
  (
    | { readonly is: 'constant'; readonly bytes: ByteList }
    | {
        readonly is: 'length'
        readonly isLittle: boolean
        readonly isDecimal: boolean
        readonly unitBytes: 1 | 2
        readonly adjust: number
        /** Bytes of the counted fields, the rest not among them. */
        readonly countedBytes: number
        readonly isRestCounted: boolean
      }
    | { readonly is: 'repeat'; readonly of: number }
    | { readonly is: 'address' }
    | { readonly is: 'value'; readonly allowed: readonly boolean[] | null }
    | {
        readonly is: 'rest'
        readonly ends: 'length' | 'tail' | 'silence' | 'request'
        readonly parameter: string
        readonly per: 'bits' | 'bytes' | 'words'
      }
    | {
        readonly is: 'checksum'
        readonly algorithm: ChecksumName
        readonly crc: CrcParameters | null
        readonly from: number
        readonly to: number
        readonly isLittle: boolean
        readonly isHex: boolean
        readonly isOverWire: boolean
      }
  )

export interface Stuffing {
  readonly escape: number
  /** Null where the byte behind the escape is itself. */
  readonly xor: number | null
  readonly isEscaped: readonly boolean[]
}

export const BYTE_FIELD = 'byte'
export const TYPE_FIELD = 'type'
export const LINE_FIELD = 'line'
export const START_FIELD = 'start'
export const DATA_FIELD = 'data'
export const SUBFRAME_START = 0xf0
export const SUBFRAME_END = 0xf7

/** The longest frame of this kind, as it is sent. */
export function frameBytesMax(frame: Frame): number {
  switch (frame.kind) {
    case 'byte':
      return 1
    case 'fields':
      return layoutBytesMax(frame.layout) * (frame.stuffing ? 2 : 1)
    case 'table':
      return Math.max(...frame.types.map(layout => (layout ? layoutBytesMax(layout) : 0)))
    case 'line':
      return frame.lineBytesMax + frame.strip.length + frame.end.length
    case 'start-bit':
      return Math.max(frame.subframeBytesMax + 2, ...frame.lengths.map(length => length + 1))
  }
}

export function layoutBytesMax(layout: Layout): number {
  return layout.fixedBytes + (layout.restAt < 0 ? 0 : layout.restBytesMax)
}

/** The layout that a frame has, for a table that of one first byte; null where the table has no such type. */
export function layoutOf(frame: Frame, type?: number): Layout | null {
  return frame.kind === 'table' ? (frame.types[type ?? -1] ?? null) : frame.layout
}
