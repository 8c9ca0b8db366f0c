import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { GRADE_LABELS, GRADES } from '#protocol/grades.ts'
import { useCounter } from '#test/helpers/counter.ts'

const counter = useCounter()
const read = async (url: string) => await (await fetch(url)).text()
const service = (name: string, n = 1) => ({ case: `MARKED-${name}`, service: n })

describe('a counter and its collector', () => {
  test('a press on a serial line becomes a rating tied to its case', async () => {
    await counter.rate(service('tied'), 'fairly-satisfied')
    const rating = await counter.client.tied(service('tied'))
    expect(rating).toMatchObject({ grade: 'fairly-satisfied', provenance: 'pad', box: 'box-a01', corrected: false })
  })

  test('a business system asks through the collector, and the pad at its window asks', async () => {
    const { counter: running, client } = counter
    await client.register(service('ordered'))
    const ordered = await client.order(running.window, service('ordered'))
    await client.listening()
    await client.press('satisfied')
    expect(await client.ended(ordered)).toBe('rated')
    expect(await client.tied(service('ordered'))).toMatchObject({ grade: 'satisfied' })
    expect(JSON.parse(await read(`${running.collectorUrl}/v1/prompts/${ordered}`))).toMatchObject({ outcome: 'rated' })
  })

  test('nothing is lost: rated with the network cut and the power gone, all arrive, once', async () => {
    const { counter: running, client } = counter
    await running.cutNetwork(true)
    for (const n of [1, 2, 3]) await counter.rate(service('outage', n), 'satisfied')
    await running.cutPower()
    await client.padReady()
    await counter.rate(service('outage', 4), 'dissatisfied')
    await running.cutNetwork(false)
    const ratings = await Promise.all([1, 2, 3, 4].map(n => client.tied(service('outage', n))))
    expect(ratings.map(({ grade }) => grade)).toEqual(['satisfied', 'satisfied', 'satisfied', 'dissatisfied'])
    const [box] = JSON.parse(await read(`${running.collectorUrl}/v1/boxes`))
    expect(box).toMatchObject({ box: 'box-a01', online: true })
    const { services } = JSON.parse(await read(`${running.collectorUrl}/v1/services?limit=50`))
    const outage = services.filter((one: { case: string }) => one.case === 'MARKED-outage')
    expect(outage.map((one: { duplicates: number }) => one.duplicates)).toEqual([0, 0, 0, 0])
  })

  test('a prompt that was open when the power went is closed as what it was', async () => {
    const { counter: running, client } = counter
    await client.register(service('open'))
    const prompt = await client.prompt(service('open'))
    await client.listening()
    await running.cutPower()
    await client.padReady()
    expect(JSON.parse(await read(`${running.clerkUrl}/v1/prompts/${prompt}`))).toMatchObject({
      state: 'finished',
      outcome: 'cancelled',
      reason: 'restarted',
    })
  })

  test('nothing leaks: after every grade none is readable on the box, in a log, or on the way to the clerk', async () => {
    const { counter: running, client } = counter
    const answers: string[] = []
    for (const [n, grade] of GRADES.entries()) {
      const prompt = await counter.rate(service('leak', n + 1), grade)
      answers.push(await read(`${running.clerkUrl}/v1/prompts/${prompt}`), await read(`${running.clerkUrl}/v1/state`))
      await client.tied(service('leak', n + 1))
    }
    const words = [...GRADES.filter(grade => grade !== 'satisfied'), ...Object.values(GRADE_LABELS).map(({ zh }) => zh)]
    const written = filesBelow(join(counter.dir, 'journal')).map(file => readFileSync(file))
    expect(written.length).toBeGreaterThan(0)
    for (const bytes of [...written, Buffer.from(answers.join('\n')), Buffer.from(counter.lines.join('\n'))]) {
      for (const word of [...words, '"satisfied"']) expect(bytes.includes(word), word).toBe(false)
    }
    // The case number stands in the box's journal, which is its place, and in no log.
    expect(written.some(bytes => bytes.includes('MARKED-leak'))).toBe(true)
    expect(counter.lines.length).toBeGreaterThan(5)
    expect(counter.lines.join('\n')).not.toContain('MARKED')
    expect(counter.lines.join('\n')).not.toContain(running.apiKey)
  })
})

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
}
