import { formatBytes } from '#agent/pad/bytes.ts'
import type { FieldFile } from '#agent/pad/frame-schema.ts'
import type { FoundChecksum } from './find-checksum.ts'

/** What one byte place of a frame is. */
export type Place =
  | { readonly is: 'constant'; readonly byte: number }
  | { readonly is: 'key' | 'repeat' | 'address' | 'value' | 'rest' | 'checksum' }
  | { readonly is: 'length'; readonly field: Omit<FieldFile, 'name' | 'is'> }
  | { readonly is: 'length-again' }

/**
 * Joins places of one kind to fields with names. `cuts` are places where a field has to begin because a checksum's
 * coverage does. A rest is one place, whatever its size.
 */
export function fieldsOf(places: readonly Place[], cuts: ReadonlySet<number>): { field: FieldFile; at: number }[] {
  const runs: { at: number; places: Place[] }[] = []
  for (const [at, place] of places.entries()) {
    const last = runs.at(-1)
    const isOneByte = place.is === 'repeat' || place.is === 'length-again'
    if (last && last.places[0]!.is === place.is && !cuts.has(at) && !isOneByte) last.places.push(place)
    else runs.push({ at, places: [place] })
  }
  const names = new Map<string, number>()
  return runs.map(({ at, places: own }, i) => {
    const base = nameOf(own[0]!, i, runs.length)
    const count = (names.get(base) ?? 0) + 1
    names.set(base, count)
    return { at, field: { name: count === 1 ? base : `${base}-${count}`, ...shapeOf(own) } }
  })
}

function nameOf(place: Place, index: number, count: number): string {
  if (place.is === 'constant') return index === 0 ? 'head' : index === count - 1 ? 'tail' : 'mark'
  if (place.is === 'repeat') return 'key-again'
  return place.is === 'rest' ? 'data' : place.is === 'checksum' ? 'check' : place.is
}

function shapeOf(own: Place[]): Omit<FieldFile, 'name'> {
  const [first] = own as [Place]
  switch (first.is) {
    case 'constant':
      return { is: 'constant', bytes: formatBytes(own.map(place => (place.is === 'constant' ? place.byte : 0))) }
    case 'length':
      return { is: 'length', ...first.field, ...(own.length > 1 && { size: own.length }) }
    case 'length-again':
      return { is: 'repeat', of: 'length' }
    case 'repeat':
      return { is: 'repeat', of: 'key' }
    case 'address':
      return { is: 'address', ...(own.length > 1 && { size: own.length }) }
    case 'rest':
      return { is: 'rest' }
    case 'checksum':
      return { is: 'checksum' }
    default:
      return { is: 'value', size: own.length }
  }
}

/** A checksum field by what was found, over the fields named. */
export function checksumField(check: FoundChecksum, from: string, to: string): Omit<FieldFile, 'name'> {
  const { algorithm, crc, isLittle, isHex } = check
  const hex = (value: number) =>
    value
      .toString(16)
      .toUpperCase()
      .padStart(crc!.width / 4, '0')
  return {
    is: 'checksum',
    algorithm,
    ...(isLittle && { endian: 'little' as const }),
    ...(isHex && { coded: 'hex' as const }),
    from,
    to,
    ...(crc && {
      crc: {
        width: crc.width,
        poly: hex(crc.poly),
        init: hex(crc.init),
        reflectIn: crc.reflectIn,
        reflectOut: crc.reflectOut,
        xorOut: hex(crc.xorOut),
      },
    }),
  }
}
