import { watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Box } from '#scripts/campaign/box.ts'
import { boxOf, type Disarm, type Faultable, type FaultKind } from '#scripts/campaign/fault.ts'
import type { Wire } from '#scripts/campaign/wire.ts'

/**
 * Killed at a chosen moment. The programs have no hooks for this: each moment is seen from outside, by a file that
 * grows, by bytes on the pad's line or by a record on the wire, and the kill follows within a millisecond.
 */

/** A receipt is larger than any acknowledgement; a handshake's records are over long before. */
const RECEIPT_BYTES_MIN = 150
const HANDSHAKE_MS_MAX = 400

const isReceipt = (bytes: number, ageMs: number) => bytes >= RECEIPT_BYTES_MIN && ageMs >= HANDSHAKE_MS_MAX

/** Calls back once, at the first write to a file after the first press. */
function onWriteAfterPress(boxes: readonly Box[], file: string, strike: () => void): Disarm {
  let isPressed = false
  const watcher = watch(dirname(file), (_, name) => {
    if (!isPressed || name !== basename(file)) return
    isPressed = false
    strike()
  })
  watcher.on('error', () => {}) // Its file system has gone.
  const unwatch = watchWindows(boxes, moment => {
    isPressed ||= moment === 'pressed'
  })
  return () => {
    watcher.close()
    unwatch()
  }
}

function watchWindows(boxes: readonly Box[], watcher: (moment: 'pressed' | 'thanked') => void) {
  const windows = boxes.flatMap(box => box.windows)
  for (const window of windows) window.watch(watcher)
  return () => {
    for (const window of windows) window.watch(undefined)
  }
}

/** Calls back once, when a receipt is on its way; `cut` keeps it from arriving. */
function onReceipt(wires: readonly Wire[], direction: 'up' | 'down', answer: 'pass' | 'cut', strike: () => void) {
  let isDone = false
  for (const wire of wires) {
    wire.onRecord((way, bytes, ageMs) => {
      if (isDone || way !== direction || !isReceipt(bytes, ageMs)) return 'pass'
      isDone = true
      strike()
      return answer
    })
  }
  return () => {
    for (const wire of wires) wire.onRecord(undefined)
  }
}

/** Where receipts leave the collector: its line to an external broker, or the boxes' lines to its own. */
function onReceiptLeaving(world: Faultable, strike: () => void) {
  if (world.collectorWire) return onReceipt([world.collectorWire], 'up', 'cut', strike)
  return onReceipt(
    world.boxes.map(({ wire }) => wire),
    'down',
    'cut',
    strike,
  )
}

const allBoxes = (what: string, world: Faultable) => world.boxes.map(({ name }) => `${what} ${name}`)

/** A receipt on an external broker's line passes the collector's wire, else the boxes'. */
const leavingClaims = (world: Faultable) => (world.collectorWire ? ['records collector'] : allBoxes('records', world))

export const MOMENT_FAULTS: readonly FaultKind[] = [
  {
    name: 'agent-killed-at-append',
    title: { zh: '盒子写盘时被 kill -9（致谢之前）', en: 'the agent is killed as it appends, about before it thanks' },
    needs: [],
    claims: (world, plan) => [`process ${boxOf(world, plan).name}`, `windows ${boxOf(world, plan).name}`],
    arm(world, plan, happened) {
      const box = boxOf(world, plan)
      return onWriteAfterPress([box], `${box.journal}/journal.db-wal`, () => {
        box.agent.kill()
        happened()
      })
    },
  },
  {
    name: 'agent-killed-at-thanks',
    title: { zh: '盒子致谢的瞬间被 kill -9', en: 'the agent is killed at the first byte of its thank-you' },
    needs: [],
    claims: (world, plan) => [`process ${boxOf(world, plan).name}`, `windows ${boxOf(world, plan).name}`],
    arm(world, plan, happened) {
      const box = boxOf(world, plan)
      return watchWindows([box], moment => {
        if (moment !== 'thanked') return
        box.agent.kill()
        happened()
      })
    },
  },
  {
    name: 'agent-killed-at-receipt',
    title: { zh: '盒子收到回执时被 kill -9（清除之前）', en: 'the agent is killed as a receipt reaches it' },
    needs: [],
    claims: (world, plan) => [`process ${boxOf(world, plan).name}`, `records ${boxOf(world, plan).name}`],
    arm(world, plan, happened) {
      const box = boxOf(world, plan)
      return onReceipt([box.wire], 'down', 'pass', () => {
        // The record is passed on first: whether the box still reads it is left to chance.
        setTimeout(() => box.agent.kill(), plan.draw * 3)
        happened()
      })
    },
  },
  {
    name: 'collector-killed-at-commit',
    title: { zh: '汇集中心提交时被 kill -9', en: 'the collector is killed as it commits' },
    needs: [],
    claims: world => ['process collector', ...allBoxes('windows', world)],
    arm: (world, _, happened) =>
      onWriteAfterPress(world.boxes, `${world.centre.store}-wal`, () => {
        world.centre.collector.kill()
        happened()
      }),
  },
  {
    name: 'collector-killed-at-receipt',
    title: {
      zh: '汇集中心提交之后、回执送出之前被 kill -9',
      en: 'the collector is killed after the commit; its receipt never leaves',
    },
    needs: [],
    claims: world => ['process collector', ...leavingClaims(world)],
    arm: (world, _, happened) =>
      onReceiptLeaving(world, () => {
        world.centre.collector.kill()
        happened()
      }),
  },
  {
    name: 'receipt-lost',
    title: { zh: '回执在途中丢失', en: 'a receipt is lost on its way' },
    needs: [],
    claims: leavingClaims,
    arm: (world, _, happened) => onReceiptLeaving(world, happened),
  },
]
