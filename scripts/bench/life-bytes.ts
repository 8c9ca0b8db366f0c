import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { JOURNAL_LIMITS, type Journal, openJournal } from '#agent/journal/journal.ts'
import { createSealer } from '#protocol/sealing.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import { startNode } from './agent-process.ts'
import { openFloor } from './floor.ts'
import type { Measurement, Subject } from './measurement.ts'
import { blockBytesWritten } from './process-figures.ts'
import { createSessionMaker, type RatedSession } from './sessions.ts'
import type { Workplace } from './workplace.ts'

const SESSIONS = 400
const QUIET_SESSIONS = 50
const BOX = 'bench-bytes'
const DAY_MS = 86_400_000
const MODES = ['busy', 'quiet', 'floor'] as const
type Mode = (typeof MODES)[number]

const TOLD = 'bytes-per-entry '

const against = { zh: '4 KiB 覆写', en: '4 KiB overwrite' }

/**
 * What one entry costs the card from append to receipted, checkpointed and forgotten, by the kernel's own account of a
 * process (write_bytes of proc_pid_io(5)): pages sent to the block layer, without the file system's journal.
 */
export const lifeBytes: Measurement = {
  name: 'bytes',
  rows: [
    {
      name: 'bytes-busy',
      title: {
        zh: '每条目写盘字节，写入到清除，业务繁忙',
        en: 'block bytes per entry until forgotten, busy (one checkpoint)',
      },
      against,
      unit: 'bytes',
      better: 'lower',
      goal: 2.5,
    },
    {
      name: 'bytes-quiet',
      title: {
        zh: '每条目写盘字节，写入到清除，业务清淡（每条目后空闲）',
        en: 'block bytes per entry until forgotten, quiet (idle after each)',
      },
      against,
      unit: 'bytes',
      better: 'lower',
      goal: 2.5,
    },
  ],
  prepare: place => Promise.resolve(prepareLifeBytes(place)),
}

function prepareLifeBytes(place: Workplace): Subject {
  async function run(mode: Mode): Promise<number> {
    const child = startNode(place, [import.meta.filename, mode, place.folder('bytes')])
    const told = await child.line(line => line.startsWith(TOLD))
    await child.stop()
    return Number(told.slice(TOLD.length))
  }
  return {
    ours: async () => [await run('busy'), await run('quiet')],
    async reference() {
      const floor = await run('floor')
      return [floor, floor]
    },
    close: () => Promise.resolve(),
  }
}

/** The child: bytes per entry, or per overwrite. */
async function bytesPerEntry(mode: Mode, folder: string): Promise<number> {
  const count = 2 * (mode === 'quiet' ? QUIET_SESSIONS : SESSIONS)
  const live = mode === 'floor' ? prepareFloor(folder, count) : await prepareJournal(folder, count / 2, mode)
  const before = blockBytesWritten(readFileSync('/proc/self/io', 'utf8'))
  live()
  return (blockBytesWritten(readFileSync('/proc/self/io', 'utf8')) - before) / count
}

function prepareFloor(folder: string, count: number): () => void {
  const floor = openFloor(join(folder, 'floor'), count)
  return () => {
    for (let i = 0; i < count; i++) floor.write()
  }
}

async function prepareJournal(folder: string, count: number, mode: 'busy' | 'quiet'): Promise<() => void> {
  const opened = openJournal({ directory: join(folder, 'journal'), box: BOX, clock: createSystemClock(), randomBytes })
  if (!opened.ok) throw new Error(opened.error.detail)
  const journal = opened.value
  const make = createSessionMaker(BOX, await createSealer(generateKeyPairSync('x25519').publicKey))
  const [before, measured] = [await make(count), await make(count)]
  journal.append('boot', { agent: 'bench', origin: { reason: 'first' } })
  // The ballast and the log's room are written once in the life of a box; and for most of it entries go where
  // forgotten ones were.
  tidy(journal)
  liveThrough(journal, before, mode, 0)
  return () => {
    liveThrough(journal, measured, mode, 200 * DAY_MS)
    journal.close()
  }
}

/** Every entry from append to forgotten, by a collector whose time is `aheadMs` ahead. */
function liveThrough(journal: Journal, sessions: readonly RatedSession[], mode: 'busy' | 'quiet', aheadMs: number) {
  const at = Date.now() + aheadMs
  /** With the link up a receipt follows every entry; in a quiet hall the log is moved before the next one. */
  function receipted({ seq, hash }: { seq: number; hash: Uint8Array }) {
    const moved = journal.receipt(seq, hash, at)
    if (!moved.ok) throw new Error(moved.error.detail)
    if (mode === 'quiet') tidy(journal)
  }
  for (const { prompt, rating } of sessions) {
    receipted(journal.append('prompt', prompt))
    receipted(journal.append('rating', rating))
  }
  // A day later, and ninety days after that.
  const { seq, hash } = journal.newest()
  for (const laterMs of [DAY_MS, 2 * DAY_MS + JOURNAL_LIMITS.receiptedMs]) journal.receipt(seq, hash, at + laterMs)
  tidy(journal)
  if (journal.read(0, 1).first < seq) throw new Error('not everything was forgotten')
}

/** Everything that a quiet time is for. */
function tidy(journal: Journal) {
  while (journal.checkpoint());
}

if (import.meta.main) {
  const [, , mode, folder] = process.argv
  console.log(`${TOLD}${await bytesPerEntry(mode as Mode, folder!)}`)
}
