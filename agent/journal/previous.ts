import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Type from 'typebox'
import { createCheck } from '#protocol/check.ts'
import { fromHex, toHex } from '#protocol/codec.ts'
import type { EntryBody } from '#protocol/entry.ts'
import { BoxIdSchema } from '#protocol/names.ts'
import { writeFileAtomic } from '#runtime/atomic-file.ts'

/** Where a journal ends, as far as is known beside it: for the day it is damaged, or gone. */
export interface JournalEnd {
  box: string
  epoch: Uint8Array
  seq: number
  hash: Uint8Array
  endedBy?: 'quarantined'
}

const fileCheck = createCheck(
  Type.Object(
    {
      box: BoxIdSchema,
      epoch: Type.String({ pattern: '^[0-9a-f]{32}$' }),
      seq: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
      hash: Type.String({ pattern: '^[0-9a-f]{64}$' }),
      endedBy: Type.Optional(Type.Literal('quarantined')),
    },
    { additionalProperties: false },
  ),
)

const fileIn = (directory: string) => join(directory, 'previous.json')

/** What was remembered last; undefined where there is nothing, or nothing that can be read. */
export function readPrevious(directory: string): JournalEnd | undefined {
  try {
    const stored: unknown = JSON.parse(readFileSync(fileIn(directory), 'utf8'))
    if (!fileCheck.isValid(stored)) return undefined
    return { ...stored, epoch: fromHex(stored.epoch), hash: fromHex(stored.hash) }
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code) return undefined
    throw error
  }
}

/** Remembers where the journal ends now. A disk that takes no more may not keep the box from starting. */
export function writePrevious(directory: string, end: JournalEnd): void {
  const stored = { ...end, epoch: toHex(end.epoch), hash: toHex(end.hash) }
  try {
    writeFileAtomic(fileIn(directory), `${JSON.stringify(stored)}\n`, 0o600)
  } catch (error) {
    // Then the next epoch says less of this one, which shows at the centre as an end that nobody explained.
    if (!(error as NodeJS.ErrnoException).code) throw error
  }
}

/** Of two memories of one journal the longer; of two journals the one that was there in full. */
export function laterEnd(found: JournalEnd | undefined, remembered: JournalEnd | undefined): JournalEnd | undefined {
  if (!found || !remembered) return found ?? remembered
  const isSame = Buffer.compare(found.epoch, remembered.epoch) === 0
  return isSame && remembered.seq > found.seq ? remembered : found
}

/** What the first entry of a new journal says of the one before. */
export function originAfter(
  previous: JournalEnd | undefined,
  box: string,
  isQuarantined: boolean,
): EntryBody<'boot'>['origin'] {
  if (!previous) return { reason: isQuarantined ? 'quarantined' : 'first' }
  const { epoch, seq, hash } = previous
  const ended = previous.endedBy ?? (isQuarantined ? 'quarantined' : 'replaced')
  const reason = previous.box === box ? ended : 're-enrolled'
  return { reason, epoch, seq, hash }
}
