import { randomBytes } from 'node:crypto'
import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, type TestContext, test } from 'vitest'
import { writeLongJournal } from '#scripts/bench/long-journal.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { mountSmallDisk, type SmallDisk } from '#test/helpers/small-disk.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { type Ballast, openBallast } from './ballast.ts'
import { createJournal, JOURNAL_LIMITS, type Journal, openJournal } from './journal.ts'
import { openPastChains } from './past-chains.ts'
import { isRoomy, mayGrow, ROOM_BYTES_MIN } from './room.ts'
import { createRoomWatch } from './room-watch.ts'
import { openStore } from './store.ts'

const MIB = 1024 * 1024
const BALLAST_BYTES = 2 * MIB
const clock = createFakeClock()

function openOn(directory: string) {
  const limits = { ...JOURNAL_LIMITS, ballastBytes: BALLAST_BYTES }
  return openJournal({ directory, box: 'box-1', clock, randomBytes, limits })
}

function open(directory: string): Journal {
  const opened = openOn(directory)
  if (!opened.ok) throw new Error(opened.error.detail)
  return opened.value
}

const append = (journal: Journal) =>
  journal.append('outcome', { prompt: randomBytes(16), outcome: 'cancelled', reason: 'other', note: '注'.repeat(200) })

function copyOf(directory: string): string {
  const copied = temporaryFolder()
  for (const name of ['journal.db', 'journal.db-wal', 'previous.json']) {
    copyFileSync(join(directory, name), join(copied, name))
  }
  return copied
}

function tidy(journal: Journal) {
  for (let times = 1; journal.checkpoint(); times++) if (times > 1000) throw new Error('it never ends')
}

describe('on a real disk that is full', () => {
  function smallDisk(context: TestContext): SmallDisk {
    const disk = mountSmallDisk(24)
    return typeof disk === 'string' ? context.skip(disk) : disk
  }

  test('prompts are refused, and what is open is finished with the room that was held back', context => {
    const disk = smallDisk(context)
    const journal = open(disk.path)
    append(journal)
    tidy(journal)
    expect(statSync(join(disk.path, 'ballast')).size).toBe(BALLAST_BYTES)
    expect(journal.hasRoom()).toBe(true)
    disk.fill()
    expect(journal.hasRoom()).toBe(false)
    while (statSync(join(disk.path, 'ballast')).size === BALLAST_BYTES) append(journal)
    const { seq } = append(journal)
    expect(disk.freeBytes()).toBeLessThan(MIB)
    tidy(journal)
    // Everything is there after a power cut, too: nothing is closed here.
    const after = open(copyOf(disk.path))
    expect(after.newest().seq).toBe(seq)
    expect(after.read(seq - 1, 9).entries).toHaveLength(1)
    after.close()
    journal.close()
  })

  test('the ballast is whole again, and prompts are taken, as soon as there is room', context => {
    const disk = smallDisk(context)
    const journal = open(disk.path)
    tidy(journal)
    disk.fill()
    while (statSync(join(disk.path, 'ballast')).size === BALLAST_BYTES) append(journal)
    tidy(journal)
    expect(statSync(join(disk.path, 'ballast')).size).toBeLessThan(BALLAST_BYTES)
    disk.clear()
    expect(journal.hasRoom()).toBe(true)
    tidy(journal)
    expect(statSync(join(disk.path, 'ballast')).size).toBe(BALLAST_BYTES)
    journal.close()
  })

  test('hundreds of entries can be written, and the agent started again and again, before anything is refused', context => {
    const disk = smallDisk(context)
    let journal = open(disk.path)
    append(journal)
    tidy(journal)
    disk.fill()
    for (let start = 0; start < 5; start++) {
      for (let i = 0; i < 100; i++) append(journal)
      tidy(journal)
      journal.close()
      // Others take at once what was set free.
      disk.fill()
      journal = open(disk.path)
    }
    expect(journal.newest().seq).toBe(501)
    expect(journal.read(0, 500).entries.length).toBeGreaterThan(100)
    journal.close()
  })

  test('a damaged journal is opened, and salvaged once there is room', context => {
    const disk = smallDisk(context)
    writeLongJournal(disk.path, 'box-1', 12_000)
    const before = open(disk.path)
    tidy(before)
    before.close()
    const store = join(disk.path, 'journal.db')
    const damaged = readFileSync(store)
    damaged.fill(0, 0, 100)
    writeFileSync(store, damaged)
    disk.fill()
    const journal = open(disk.path)
    expect(journal.origin).toMatchObject({ reason: 'quarantined', seq: 12_000 })
    append(journal)
    expect(existsSync(join(disk.path, 'past', '0001.db'))).toBe(false)
    journal.close()
    disk.clear()
    const again = open(disk.path)
    expect(again.past().map(chain => chain.backlog())).toEqual([12_000])
    again.close()
  })

  test('a disk that becomes read-only is noticed at the next entry, and the handle is never used again', context => {
    const disk = smallDisk(context)
    const journal = open(disk.path)
    const { seq } = append(journal)
    disk.fail()
    expect(() => append(journal)).toThrow()
    for (const use of [() => append(journal), () => journal.read(0, 1), journal.checkpoint, journal.hasRoom]) {
      expect(use).toThrow()
    }
    expect(journal.newest().seq).toBe(seq)
    const copied = copyOf(disk.path)
    expect(open(copied).newest().seq).toBe(seq)
  })

  test('a disk that is read-only from the start refuses the journal, and gives it back whole', context => {
    const disk = smallDisk(context)
    const journal = open(disk.path)
    const { seq } = append(journal)
    journal.close()
    disk.remount('ro')
    expect(openOn(disk.path)).toMatchObject({ ok: false, error: { code: 'journal-not-writable' } })
    disk.remount('rw')
    const again = open(disk.path)
    expect(again.newest().seq).toBe(seq)
    again.close()
  })
})

describe('without a disk that is full', () => {
  const full = { free: 0, held: BALLAST_BYTES, wanted: BALLAST_BYTES, inside: 0 }
  test.each([
    ['plenty', { ...full, free: 100 * MIB }, true],
    ['the ballast and nothing beside it', full, false],
    ['just enough beside it', { ...full, free: ROOM_BYTES_MIN }, true],
    ['room inside the store', { ...full, inside: ROOM_BYTES_MIN }, true],
    ['room inside, but the ballast given up', { ...full, held: 0, inside: ROOM_BYTES_MIN }, false],
    [
      'the ballast given up, and room to take it back',
      { ...full, held: 0, free: BALLAST_BYTES + ROOM_BYTES_MIN },
      true,
    ],
    ['the ballast given up, and less than that', { ...full, held: 0, free: BALLAST_BYTES + ROOM_BYTES_MIN - 1 }, false],
  ])('%s', (_, space, isEnough) => {
    expect(isRoomy(space)).toBe(isEnough)
    if (space.held < space.wanted && space.inside === 0) expect(mayGrow(space)).toBe(isEnough)
  })

  test('the ballast is taken and given up in steps, and what was left of it is found again', () => {
    const path = join(temporaryFolder(), 'ballast')
    const ballast = openBallast(path, 600 * 1024)
    while (ballast.grow() < 600 * 1024);
    expect(statSync(path).size).toBe(600 * 1024)
    expect(ballast.giveUp()).toBe(true)
    expect(openBallast(path, 600 * 1024).bytes()).toBe(344 * 1024)
    expect([ballast.giveUp(), ballast.giveUp(), ballast.giveUp()]).toEqual([true, true, false])
    expect(statSync(path).size).toBe(0)
  })

  test('an append that meets a full store gives up one step and is on disk', () => {
    const directory = temporaryFolder()
    const database = openStore(join(directory, 'journal.db'))
    const pages = () => database.pragma('page_count', { simple: true }) as number
    let steps = 3
    const ballast: Ballast = {
      wantedBytes: 0,
      bytes: () => 0,
      grow: () => 0,
      giveUp() {
        if (steps-- <= 0) return false
        database.pragma(`max_page_count = ${pages() + 4}`)
        return true
      },
    }
    const past = openPastChains(directory, 'box-1')
    const made = createJournal({
      directory,
      box: 'box-1',
      clock,
      randomBytes,
      database,
      ballast,
      past,
      isQuarantined: false,
    })
    if (!made.ok) throw new Error(made.error.detail)
    const journal = made.value
    database.pragma(`max_page_count = ${pages()}`)
    let written = 0
    expect(() => {
      while (written < 1000) written = append(journal).seq
    }).toThrow(/full/)
    expect(steps).toBe(-1)
    expect(written).toBeGreaterThan(5)
    database.close()
    const again = open(directory)
    expect(again.newest().seq).toBe(written)
    again.close()
  })

  test('that there is no room, and that there is again, is told once each, also while nobody asks', () => {
    const clock = createFakeClock()
    const told: boolean[] = []
    let hasRoom = true
    const watch = createRoomWatch({
      clock,
      hasRoom: () => hasRoom,
      onChange: isShort => told.push(isShort),
      onFailure(error) {
        throw error
      },
    })
    expect(watch.hasRoom()).toBe(true)
    expect(clock.timers()).toBe(0)
    hasRoom = false
    expect([watch.hasRoom(), watch.hasRoom()]).toEqual([false, false])
    clock.advance(60_000)
    expect(told).toEqual([true])
    hasRoom = true
    clock.advance(10_000)
    expect(told).toEqual([true, false])
    expect(clock.timers()).toBe(0)
  })
})
