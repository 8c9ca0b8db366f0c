import { copyFileSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { GRADES } from '#protocol/grades.ts'
import { rotateOpeningKey } from '#provisioning/opening-key.ts'
import { useCounter } from '#test/helpers/counter.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const counter = useCounter()
const service = (name: string, n = 1) => ({ case: `MARKED-${name}`, service: n })
/** What a citizen takes to think again: longer than the pad's hold-off of 500 ms, inside the undo window. */
const SECOND_THOUGHT_MS = 600

describe('a counter that rates with every grade, corrects, loses the network and loses the power', () => {
  test('keeps no readable grade at any moment of it, and no case number or key in a log', async () => {
    const { client, counter: running } = counter
    for (const [n, grade] of GRADES.entries()) await counter.rate(service('every', n + 1), grade)
    await new Promise(resolve => setTimeout(resolve, SECOND_THOUGHT_MS))
    await client.press('dissatisfied')
    await client.tied(service('every', GRADES.length))
    expect(counter.readable(['MARKED'])).toEqual([])

    await running.cutNetwork(true)
    await counter.rate(service('outage'), 'fairly-satisfied')
    await running.cutPower()
    // What kill -9 leaves: the log is not yet in the file.
    expect(counter.readable(['MARKED'])).toEqual([])
    await client.padReady()
    await counter.rate(service('outage', 2), 'very-dissatisfied')
    await running.cutNetwork(false)
    expect(await client.tied(service('outage', 2))).toMatchObject({ grade: 'very-dissatisfied' })
    expect(await client.tied(service('every', GRADES.length))).toMatchObject({ grade: 'dissatisfied', corrected: true })
    expect(counter.readable(['MARKED'])).toEqual([])
  })

  test('uses a new opening key after a restart of the box, and the collector opens both without one', async () => {
    const { client, counter: running, dir } = counter
    const rotated = rotateOpeningKey(join(dir, 'identities'))
    if (!rotated.ok) throw new Error(rotated.error.detail)
    await running.cutPower()
    await client.padReady()
    await counter.rate(service('rotated'), 'satisfied')
    expect(await client.tied(service('rotated'))).toMatchObject({ grade: 'satisfied' })
    expect(await client.tied(service('every'))).toMatchObject({ grade: 'very-satisfied' })
    const keys = readdirSync(join(dir, 'identities/collector/opening'))
    expect(keys).toContain(`${rotated.value.key}.key`)
    expect(keysIn(join(dir, 'journal'))).toEqual(new Set(keys.map(name => name.replace('.key', ''))))
    expect(counter.readable(['MARKED'])).toEqual([])
  })

  test('keeps none after a clean end either, when the log has been moved into the file', async () => {
    await counter.counter.stop()
    expect(existsSync(join(counter.dir, 'journal/journal.db-wal'))).toBe(false)
    expect(readFileSync(join(counter.dir, 'journal/journal.db')).includes('MARKED-every')).toBe(true)
    expect(counter.readable(['MARKED'])).toEqual([])
  })
})

/** Ids of the opening keys that a journal's ratings were sealed to. */
function keysIn(journal: string): Set<string> {
  const folder = temporaryFolder()
  for (const name of readdirSync(journal).filter(file => file.startsWith('journal.db'))) {
    copyFileSync(join(journal, name), join(folder, name))
  }
  const database = new Database(join(folder, 'journal.db'))
  const rows = database.prepare('SELECT bytes FROM entry').pluck().all() as Buffer[]
  database.close()
  // `key` and the head of 8 bytes stand before the id in a sealed rating, and nowhere else.
  const found = rows.flatMap(bytes => {
    const at = bytes.indexOf(Buffer.from('636b657948', 'hex'))
    return at < 0 ? [] : [bytes.subarray(at + 5, at + 13).toString('hex')]
  })
  return new Set(found)
}
