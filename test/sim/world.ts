import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Journal, openJournal } from '#agent/journal/journal.ts'
import { createUplink, type Uplink } from '#agent/uplink/uplink.ts'
import { createTestCollector } from '#collector/fixtures/core.ts'
import { toHex } from '#protocol/codec.ts'
import { encodePresence, type Presence } from '#protocol/presence.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { createSeededRandom } from './seeded-random.ts'

/** What can go wrong in a world. Each seed turns about half of it off, so that no fault hides behind another. */
const FAULTS = [
  'drop',
  'double',
  'reorder',
  'link-down',
  'box-restart',
  'collector-restart',
  'collector-restored',
  'wall-jump',
] as const
type Fault = (typeof FAULTS)[number]

interface Message {
  to: 'box' | 'collector'
  kind: 'batch' | 'status' | 'receipt'
  bytes: Uint8Array
}

export interface World {
  readonly faults: readonly Fault[]
  step(): Promise<void>
  /** Stops the faults, and touches nothing else: time passes and messages arrive until nothing moves. */
  heal(): Promise<void>
  /** Hashes of what the box appended, and of what the collector has, in its order. */
  appended(): string[]
  committed(): Promise<string[]>
  /** Up to which entry the box believes it has receipts, of its present journal. */
  receipted(): number
  /** Timers that run at the box: more than one would mean they pile up. */
  timers(): number
  close(): Promise<void>
}

const BOX = 'box-1'
/** Longer than the box waits at most before it sends again. */
const RESEND_PATIENCE_MS = 301_000
/** What has not come to rest by then never will. */
const HEAL_ROUNDS_MAX = 60

/** One box with a real journal and one collector with a real store; the seed decides everything between them. */
export async function createWorld(seed: number, folder: string): Promise<World> {
  const random = createSeededRandom(seed)
  const faults = FAULTS.filter(() => random.chance(0.5))
  // The nearly silent box is the hardest case: nothing else moves a queue that got stuck.
  const load = random.pick([0.02, 0.1, 0.5])
  const clock = createFakeClock()
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = new Uint8Array(keys.publicKey.export({ format: 'der', type: 'spki' }))
  const storePath = join(folder, 'collector.sqlite')
  const backupPath = join(folder, 'backup.sqlite')
  const appended: string[] = []
  let wire: Message[] = []
  let isLinkUp = false
  let hasBackup = false
  let retained: Message | undefined
  let collector = await createTestCollector({ path: storePath })
  const collectorKeys = { openingKey: collector.openingKey, signingKey: collector.signingKey }
  await enrol()
  let journal: Journal
  let uplink: Uplink
  startBox()

  async function enrol() {
    await collector.core.enrol({ box: BOX, key: spki })
    await collector.settled()
  }

  function startBox() {
    const opened = openJournal({ directory: join(folder, 'box'), box: BOX, clock, randomBytes })
    if (!opened.ok) throw new Error(opened.error.detail)
    journal = opened.value
    uplink = createUplink({
      clock,
      journal,
      box: BOX,
      boxKey: keys.privateKey,
      receiptKey: createPublicKey(collectorKeys.signingKey),
      sendBatch: bytes => void (isLinkUp && wire.push({ to: 'collector', kind: 'batch', bytes })),
      onProgress: () => void (uplink.backlog() === 0 && sayStatus()),
      onCollectorTime() {},
      onResend() {},
    })
    append()
  }

  function append() {
    const { hash } = journal.append('boot', { agent: 'simulated' })
    appended.push(toHex(hash))
    uplink.wake()
  }

  function setLink(isUp: boolean) {
    if (isUp === isLinkUp) return
    isLinkUp = isUp
    wire = []
    if (!isUp) return uplink.linkDown()
    sayStatus()
    uplink.linkUp()
  }

  /** Retained at the broker: a collector that comes back finds the last one there. */
  function sayStatus() {
    const presence: Presence = {
      version: 1,
      online: true,
      agent: 'simulated',
      receipted: { epoch: journal.epoch, seq: journal.receiptedSeq() },
      backlog: uplink.backlog(),
      windows: [],
    }
    retained = { to: 'collector', kind: 'status', bytes: encodePresence(presence) }
    if (isLinkUp) wire.push(retained)
  }

  async function deliver(isFaulty: boolean) {
    if (wire.length === 0) return
    const at = isFaulty && faults.includes('reorder') ? random.below(wire.length) : 0
    const [message] = wire.splice(at, 1)
    if (isFaulty && faults.includes('drop') && random.chance(0.2)) return
    if (isFaulty && faults.includes('double') && random.chance(0.2)) wire.push(message!)
    if (message!.to === 'box') return void uplink.receiptArrived(message!.bytes)
    collector.core.messageArrived(message!.kind as 'batch' | 'status', BOX, message!.bytes)
    await collector.settled()
    takeReceipts()
  }

  function takeReceipts() {
    for (const { kind, bytes } of collector.sent.splice(0)) {
      if (kind === 'receipt' && isLinkUp) wire.push({ to: 'box', kind, bytes })
    }
  }

  async function restartCollector() {
    await collector.close()
    await comeBack()
  }

  async function comeBack() {
    collector = await createTestCollector({ path: storePath, keys: collectorKeys })
    await enrol()
    takeReceipts()
    if (retained && isLinkUp) wire.push(retained)
  }

  async function backUp() {
    await collector.close()
    copyFileSync(storePath, backupPath)
    hasBackup = true
    await comeBack()
  }

  async function restore() {
    await collector.close()
    for (const part of ['', '-wal', '-shm']) rmSync(storePath + part, { force: true })
    copyFileSync(backupPath, storePath)
    await comeBack()
  }

  const actions: Record<Fault, () => unknown> = {
    drop() {},
    double() {},
    reorder() {},
    'link-down': () => setLink(false),
    'box-restart'() {
      uplink.stop()
      journal.close()
      setLink(false)
      startBox()
    },
    'collector-restart': restartCollector,
    'collector-restored': () => (hasBackup && random.chance(0.5) ? restore() : backUp()),
    'wall-jump': () => clock.jumpWall(random.pick([-1, 1]) * random.below(10 * 365 * 86_400_000)),
  }

  return {
    faults,
    async step() {
      if (random.chance(load)) append()
      if (random.chance(0.3)) setLink(true)
      if (random.chance(0.7)) await deliver(true)
      if (random.chance(0.3)) clock.advance(random.below(8_000))
      if (faults.length > 0 && random.chance(0.06)) await actions[random.pick(faults)]()
    },
    async heal() {
      setLink(true)
      let quietRounds = 0
      for (let round = 0; round < HEAL_ROUNDS_MAX && quietRounds < 3; round++) {
        const before = wire.length + uplink.backlog()
        while (wire.length > 0) await deliver(false)
        clock.advance(RESEND_PATIENCE_MS)
        quietRounds = before + wire.length + uplink.backlog() === 0 ? quietRounds + 1 : 0
      }
    },
    appended: () => appended,
    async committed() {
      const rows = await collector.store.db
        .selectFrom('evidence')
        .select(['hash'])
        .where('box', '=', BOX)
        .orderBy('position')
        .execute()
      return rows.map(({ hash }) => toHex(hash))
    },
    receipted: () => journal.receiptedSeq(),
    timers: () => clock.timers(),
    async close() {
      uplink.stop()
      journal.close()
      await collector.close()
    },
  }
}
