import { expect, test } from 'vitest'
import { createTestCollector } from '#collector/fixtures/core.ts'
import { GRADES } from '#protocol/grades.ts'

test('no log line holds a grade or a case number, whatever goes wrong', async () => {
  const collector = await createTestCollector()
  const box = collector.box('box-1')
  await collector.enrol(box)
  const marked = 'MARKED-CASE-4711'
  for (const grade of GRADES) {
    const prompt = box.prompt({ case: marked, service: 1 })
    await box.rate(prompt, grade)
    box.outcome(prompt, 'declined')
  }
  await collector.core.verbs.registerService({ case: marked, service: 1 }, 'test')
  await collector.core.verbs.registerService({ case: marked, service: 1, item: 'other' }, 'test')
  const poisoned = box.batch()
  poisoned[poisoned.length - 1]! ^= 1
  await collector.send('box-1', poisoned, box.batch(), box.batch(2), new Uint8Array([1]))
  const rubbish = box.batch(1, 2, batch => ({ ...batch, entries: [Buffer.from(`${marked} satisfied`)] }))
  await collector.send('box-1', rubbish)
  expect(collector.log.length).toBeGreaterThan(2)
  const written = collector.log.join('') + JSON.stringify(await collector.core.verbs.listQuarantine(10))
  expect(written).not.toContain(marked)
  for (const grade of GRADES) expect(written).not.toContain(`"${grade}"`)
  expect(written).not.toContain('satisfied')
})
