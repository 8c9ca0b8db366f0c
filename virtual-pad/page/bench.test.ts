import { expect, test } from 'vitest'
import { createBench } from './bench.ts'
import type { PadPageState } from './pad-api.ts'

const calm: PadPageState = {
  profile: { id: 'any', title: { zh: '评价器', en: 'Pad' } },
  devicePath: '/dev/pts/7',
  plugged: true,
  garbled: false,
  held: null,
  keys: [
    { grade: 'very-satisfied', label: { zh: '非常满意', en: 'Very satisfied' } },
    { grade: 'dissatisfied', label: { zh: '不满意', en: 'Dissatisfied' } },
  ],
  shown: { lamp: 'off', text: { zh: '', en: '' }, sound: 'silent' },
  lamps: [],
  commands: [],
  frames: [],
  controls: { network: 'up', box: 'running' },
}

async function createTestBench(state: PadPageState = calm) {
  const acts: unknown[][] = []
  let lift = () => {}
  const bench = createBench({
    api: {
      state: () => Promise.resolve({ ok: true, value: state }),
      act(...asked) {
        acts.push(asked)
        return Promise.resolve(
          asked[0] === 'box' ? { ok: false, error: { code: 'box-busy' } } : { ok: true, value: undefined },
        )
      },
    },
    listen: () => () => {},
    after(_delayMs, then) {
      lift = then
      return () => {}
    },
  })
  await bench.start()
  return { bench, acts, lift: () => lift() }
}

test('the digits press the keys in the order of the pad, and no others', async () => {
  const { bench, acts } = await createTestBench()
  expect(['2', '3', '0', 'x'].map(bench.key)).toEqual([true, false, false, false])
  expect(acts).toEqual([['press', { grade: 'dissatisfied' }]])
})

test('every key looks pressed for the same time and then lifts', async () => {
  const { bench, lift } = await createTestBench()
  await bench.touch('dissatisfied')
  expect(bench.isDown.value('dissatisfied')).toBe(true)
  expect(bench.isDown.value('very-satisfied')).toBe(false)
  lift()
  expect(bench.isDown.value('dissatisfied')).toBe(false)
})

test('a key is held down after asking for it, once', async () => {
  const { bench, acts } = await createTestBench()
  bench.key('h')
  await bench.touch('very-satisfied')
  await bench.touch('very-satisfied')
  expect(acts).toEqual([
    ['hold', { grade: 'very-satisfied' }],
    ['press', { grade: 'very-satisfied' }],
  ])
})

test('touching anything lets a held key go', async () => {
  const { bench, acts } = await createTestBench({ ...calm, held: 'dissatisfied' })
  await bench.touch('very-satisfied')
  bench.key('h')
  expect(acts).toEqual([
    ['release', {}],
    ['release', {}],
  ])
  expect(bench.isHoldArmed.value).toBe(false)
})

test('the line, the network and the power go to the other of their two states', async () => {
  const { bench, acts } = await createTestBench()
  for (const key of 'ugnp') bench.key(key)
  expect(acts).toEqual([
    ['plug', { plugged: false }],
    ['garble', { garbled: true }],
    ['network', { cut: true }],
    ['box', { power: 'cut' }],
  ])
  const broken = { ...calm, plugged: false, garbled: true, controls: { network: 'cut', box: 'stopped' } } as const
  const second = await createTestBench(broken)
  for (const key of 'ugnp') second.bench.key(key)
  expect(second.acts).toEqual([
    ['plug', { plugged: true }],
    ['garble', { garbled: false }],
    ['network', { cut: false }],
  ])
})

test('what the bench refuses is shown until the next thing is done', async () => {
  const { bench } = await createTestBench()
  bench.key('p')
  await new Promise(resolve => setImmediate(resolve))
  expect(bench.refusal.value).toEqual({ code: 'box-busy' })
  await bench.touch('dissatisfied')
  expect(bench.refusal.value).toBeUndefined()
})
