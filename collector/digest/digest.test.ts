import { spawnSync } from 'node:child_process'
import { createPublicKey, hash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createTestCollector, type TestCollector } from '#collector/fixtures/core.ts'
import { shareFullStore } from '#collector/fixtures/full-store.ts'
import { tamper } from '#collector/fixtures/tamper.ts'
import { openStoreSource } from '#collector/verify/store-source.ts'
import { verifyStore } from '#collector/verify/verify-store.ts'
import { createLeafMaker, createMerkleTree } from '#protocol/digest.ts'
import type { EntryBody } from '#protocol/entry.ts'
import { decodeEntry } from '#protocol/entry.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { type DigestFile, exportDigest } from './export-digest.ts'
import { findOpenDay } from './find-open-day.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const boot = { kind: 'boot', body: { agent: '1.0.0' } } as const

/** A clock whose wall stands where it is put. */
function createWall(wallMs: number) {
  const wall = { wallMs }
  return { wall, clock: { ...createSystemClock(), wallMs: () => wall.wallMs } }
}

async function digestsOf(collector: TestCollector): Promise<EntryBody<'digest'>[]> {
  const rows = await collector.store.db
    .selectFrom('evidence')
    .select('bytes')
    .where('box', '=', 'collector')
    .orderBy('position')
    .execute()
  return rows.flatMap(({ bytes }) => {
    const entry = decodeEntry(bytes)
    return entry.ok && entry.value.kind === 'digest' ? [entry.value.body] : []
  })
}

const dayAndHall = ({ day, hall }: EntryBody<'digest'>) => `${day} ${hall}`

describe('a day that is over', () => {
  test('ends at midnight in China, whatever the zone of the machine, and has one digest for each hall', async () => {
    const { wall, clock } = createWall(Date.UTC(2026, 2, 2, 15, 59, 59, 999))
    const collector = await createTestCollector({ clock })
    const [one, two] = [collector.box('box-1'), collector.box('box-2')]
    await collector.core.enrol({ box: 'box-1', key: one.spki, hall: 'hall-a' })
    await collector.enrol(two)
    for (const box of [one, two]) box.write(boot, boot)
    await collector.send('box-1', one.batch())
    await collector.send('box-2', two.batch())
    expect(await digestsOf(collector)).toEqual([])
    wall.wallMs += 1
    one.write(boot)
    await collector.send('box-1', one.batch(3, 3))
    const digests = await digestsOf(collector)
    expect(digests.map(dayAndHall)).toEqual(['2026-03-02 collector', '2026-03-02 default', '2026-03-02 hall-a'])
    expect(digests.map(({ entries }) => entries)).toEqual([2, 2, 2])
    expect(await collector.core.verbs.listDigests('2026-03-02')).toMatchObject([
      { hall: 'collector' },
      { hall: 'default' },
      { hall: 'hall-a', entries: 2, root: Buffer.from(digests[2]!.root).toString('hex') },
    ])
  })

  test('is closed before anything of the next, also after weeks switched off, and only once', async () => {
    const { wall, clock } = createWall(Date.UTC(2026, 2, 2, 4))
    const first = await createTestCollector({ clock })
    const box = first.box('box-1')
    await first.enrol(box)
    box.write(boot)
    await first.send('box-1', box.batch())
    await first.close()
    wall.wallMs += 40 * DAY_MS
    const second = await createTestCollector({ path: first.path, keys: first, clock })
    // Nobody has sent anything: the change of day alone closes what was left open.
    await second.settled()
    expect((await digestsOf(second)).map(dayAndHall)).toEqual(['2026-03-02 collector', '2026-03-02 default'])
    await second.close()
    const third = await createTestCollector({ path: first.path, keys: first, clock })
    box.write(boot)
    await third.send('box-1', box.batch(2, 2))
    expect(await digestsOf(third)).toHaveLength(2)
    wall.wallMs += DAY_MS
    await third.send('box-1', box.batch(2, 2))
    box.write(boot)
    await third.send('box-1', box.batch(3, 3))
    expect((await digestsOf(third)).slice(2).map(dayAndHall)).toEqual(['2026-04-11 collector', '2026-04-11 default'])
  })

  test('takes in what is committed while the clock stands on a day before', async () => {
    const { wall, clock } = createWall(Date.UTC(2026, 2, 3, 4))
    const collector = await createTestCollector({ clock })
    const box = collector.box('box-1')
    await collector.enrol(box)
    wall.wallMs = Date.UTC(1970, 0, 2)
    box.write(boot, boot)
    await collector.send('box-1', box.batch())
    wall.wallMs = Date.UTC(2026, 2, 4, 4)
    box.write(boot)
    await collector.send('box-1', box.batch(3, 3))
    const digests = await digestsOf(collector)
    expect(digests.map(dayAndHall)).toEqual(['2026-03-03 collector', '2026-03-03 default'])
    expect(digests.map(({ entries }) => entries)).toEqual([1, 2])
    await collector.close()
    expect(await verifyStore(optionsFor(collector))).toMatchObject({ value: { faults: [] } })
  })

  test('has the same digest whether the collector ran through it or was started again and again', async () => {
    const { wall, clock } = createWall(Date.UTC(2026, 2, 2, 4))
    let collector = await createTestCollector({ clock })
    const box = collector.box('box-1')
    await collector.enrol(box)
    for (let n = 1; n <= 6; n++) {
      box.write(boot)
      await collector.send('box-1', box.batch(n, n))
      await collector.close()
      collector = await createTestCollector({ path: collector.path, keys: collector, clock })
    }
    wall.wallMs += DAY_MS
    box.write(boot)
    await collector.send('box-1', box.batch(7, 7))
    expect((await digestsOf(collector)).map(({ entries }) => entries)).toEqual([1, 6])
    await collector.close()
    expect(await verifyStore(optionsFor(collector))).toMatchObject({ value: { faults: [] } })
  })
})

test('the open day is found where its digests stand, whatever text looks like one', async () => {
  const { wall, clock } = createWall(Date.UTC(2026, 2, 2, 4))
  const collector = await createTestCollector({ clock })
  const register = async (item: string, service: number) => {
    const done = await collector.core.verbs.registerService({ case: 'C1', service, item }, 'test')
    if (!done.ok) throw new Error(done.error.detail)
  }
  await register('first', 1)
  expect(await findOpenDay(collector.store.db)).toBe(1)
  wall.wallMs += DAY_MS
  await register('second', 2)
  // The bytes by which an entry names its kind, in a text: found first, and passed over.
  await register('dkindfdigest', 3)
  expect(await findOpenDay(collector.store.db)).toBe(2)
})

describe('a batch that is committed together with an enrolment of its box', () => {
  test('is not taken under a key that was replaced, and is of the hall it is enrolled in', async () => {
    const collector = await createTestCollector()
    const [old, renewed] = [collector.box('box-1'), collector.box('box-1')]
    await collector.enrol(old)
    old.write(boot)
    collector.core.messageArrived('batch', 'box-1', old.batch())
    const enrolled = collector.core.enrol({ box: 'box-1', key: renewed.spki, hall: 'hall-b' })
    await collector.settled()
    await enrolled
    renewed.write(boot)
    collector.core.messageArrived('batch', 'box-1', renewed.batch())
    const moved = collector.core.enrol({ box: 'box-1', key: renewed.spki, hall: 'hall-c' })
    await collector.settled()
    await moved
    await collector.close()
    expect(await verifyStore(optionsFor(collector))).toMatchObject({ value: { faults: [] } })
  })

  test('is believed at a start whose tables are behind, by the evidence', async () => {
    const collector = await createTestCollector()
    const box = collector.box('box-1')
    await collector.core.enrol({ box: 'box-1', key: box.spki, hall: 'hall-a' })
    await collector.settled()
    await collector.close()
    const path = tamper(collector.path, ({ raw }) => {
      raw.exec(
        'delete from boxes; delete from box_keys; update projection_cursor set position = 0, hash = zeroblob(32)',
      )
    })
    const again = await createTestCollector({ path, keys: collector })
    box.write(boot)
    await again.send('box-1', box.batch())
    expect(again.receipts('box-1')).toMatchObject([{ seq: 1 }])
    const rows = await again.store.db.selectFrom('batches').select('hall').where('box', '=', 'box-1').execute()
    expect(rows).toEqual([{ hall: 'hall-a' }])
  })
})

test('a box that moves to another hall is in the digest of each for what it sent there', async () => {
  const { wall, clock } = createWall(Date.UTC(2026, 2, 2, 4))
  const collector = await createTestCollector({ clock })
  const box = collector.box('box-1')
  await collector.enrol(box)
  box.write(boot)
  await collector.send('box-1', box.batch())
  await collector.core.enrol({ box: 'box-1', key: box.spki, hall: 'hall-b' })
  box.write(boot, boot)
  await collector.send('box-1', box.batch(2, 3))
  wall.wallMs += DAY_MS
  box.write(boot)
  await collector.send('box-1', box.batch(4, 4))
  const digests = await digestsOf(collector)
  expect(digests.map(({ hall, entries }) => [hall, entries])).toEqual([
    ['collector', 2],
    ['default', 1],
    ['hall-b', 2],
  ])
  await collector.close()
  expect(await verifyStore(optionsFor(collector))).toMatchObject({ value: { faults: [] } })
})

function optionsFor({ path, signingKey, openingKey }: TestCollector) {
  const collectorKey = createPublicKey(signingKey)
  return { path, collectorKey, openingKeys: [openingKey], workFolder: temporaryFolder() }
}

describe('a digest that was exported', () => {
  const hasPython = spawnSync('python3', ['--version']).status === 0
  if (!hasPython) process.stderr.write('SKIPPED: python3 is not installed, scripts/check-digest.py was NOT tested\n')
  const SCRIPT = join(import.meta.dirname, '../../scripts/check-digest.py')

  const store = shareFullStore()

  function exported() {
    const full = store()
    const source = openStoreSource(full.path)
    const collectorKey = createPublicKey(full.keys.signingKey)
    const read = (hall: string, day: string) => exportDigest(source, { hall, day, collectorKey })
    const files = [full.hall, 'default', 'collector'].map(hall => read(hall, full.days[0]!))
    const none = [read(full.hall, '2020-01-01'), read('hall-z', full.days[0]!)]
    source.close()
    return { files: files.map(file => (file.ok ? file.value : undefined)!), none, collectorKey }
  }

  function check(file: DigestFile, ...more: string[]) {
    const path = join(temporaryFolder(), 'digest.json')
    writeFileSync(path, JSON.stringify(file))
    const { status, stdout, stderr } = spawnSync('python3', [SCRIPT, path, ...more], { encoding: 'utf8' })
    return { status, output: stdout + stderr }
  }

  test.runIf(hasPython)('holds for somebody with a file, a key and Python', () => {
    const { files, collectorKey } = exported()
    const key = join(temporaryFolder(), 'collector.pem')
    writeFileSync(key, collectorKey.export({ format: 'pem', type: 'spki' }))
    for (const file of files) {
      expect(file.leaves.length).toBeGreaterThan(0)
      const { status, output } = check(file, '--key', key)
      expect(output).toContain(`ok  hall ${file.hall}, ${file.day}: ${file.leaves.length} entries`)
      expect(status).toBe(0)
    }
    expect(check(files[0]!).output).toContain('taken from the file')
  })

  test.runIf(hasPython).each<[string, (file: DigestFile) => unknown, string]>([
    ['a leaf left out', file => file.leaves.pop(), 'leaves'],
    ['two leaves exchanged', file => file.leaves.reverse(), 'another root'],
    ['another hash of an entry', file => (file.leaves[1]![3] = 'ab'.repeat(32)), 'another root'],
    ['the digest of another hall', file => (file.hall = 'default'), 'leaves'],
    ['another day', file => (file.day = '2026-03-03'), 'no digest of hall'],
    [
      'another count, by its bytes',
      file =>
        (file.digest.entries = file.digest.entries.map(bytes => bytes.replace('67656e7472696573', '67656e7472696574'))),
      'FAULT',
    ],
    ['another place in the chain', file => (file.digest.first += 1), 'signature does not hold'],
    ['another entry before it', file => (file.digest.previous = 'cd'.repeat(32)), 'signature does not hold'],
    [
      'another signature',
      file => (file.digest.signature = file.digest.signature.replace(/^.{8}/, '12345678')),
      'signature does not hold',
    ],
    ['no key at all', file => (file.key = ''), 'not a P-256 public key'],
  ])('does not hold with %s', (_, change, said) => {
    const file = exported().files[0]!
    change(file)
    const { status, output } = check(file)
    expect(output).toContain(said)
    expect(status).toBe(1)
  })

  test('is not to be had where there is none', () => {
    const { none } = exported()
    expect(none).toMatchObject([{ error: { code: 'unknown-digest' } }, { error: { code: 'unknown-digest' } }])
  })
})

test('the tree is that of RFC 6962, for any number of leaves', () => {
  /** MTH as the RFC writes it. */
  const mth = (leaves: string[]): string => {
    if (leaves.length < 2) return leaves[0]!
    const split = 2 ** Math.floor(Math.log2(leaves.length - 1))
    const tree = createMerkleTree()
    tree.add(mth(leaves.slice(0, split)))
    tree.add(mth(leaves.slice(split)))
    return tree.root()
  }
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'binary-ascii', minLength: 32, maxLength: 32 }), {
        minLength: 1,
        maxLength: 70,
        size: 'max',
      }),
      leaves => {
        const tree = createMerkleTree()
        for (const leaf of leaves) tree.add(leaf)
        expect(tree.root()).toBe(mth(leaves))
        expect(tree.size()).toBe(leaves.length)
      },
    ),
    { numRuns: 60 },
  )
  const leaf = createLeafMaker('box-1', new Uint8Array(16).fill(7)).leafHash(258, '\x01'.repeat(32))
  const bytes = Buffer.concat([
    Buffer.of(0, 5),
    Buffer.from('box-1'),
    Buffer.alloc(16, 7),
    Buffer.from('0000000000000102', 'hex'),
    Buffer.alloc(32, 1),
  ])
  expect(leaf).toBe(hash('sha256', bytes, 'binary'))
})
