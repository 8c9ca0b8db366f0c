import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  DOWN_KINDS,
  downFilter,
  downTopic,
  parseDownTopic,
  parseUpTopic,
  UP_KINDS,
  upFilter,
  upTopic,
  upTopicOfAll,
} from './topics.ts'

const boxes = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,31}$/)

test('a topic says which box sent what, for every box and kind', () => {
  fc.assert(
    fc.property(boxes, fc.constantFrom(...UP_KINDS), fc.constantFrom(...DOWN_KINDS), (box, up, down) => {
      expect(parseUpTopic(upTopic(box, up))).toEqual({ box, kind: up })
      expect(parseDownTopic(downTopic(box, down))).toEqual({ box, kind: down })
    }),
  )
})

test('what a box sends is never taken for what it is sent, nor the other way round', () => {
  expect(parseDownTopic(upTopic('box-1', 'batch'))).toBeUndefined()
  expect(parseUpTopic(downTopic('box-1', 'receipt'))).toBeUndefined()
})

test('a topic with a level changed, lost, added or doubled is not ours', () => {
  const level = fc.constantFrom(
    '',
    '+',
    '#',
    '$SYS',
    'chuangping',
    'v1',
    'v2',
    'up',
    'down',
    'batch',
    'Box',
    'a b',
    '..',
    'é',
  )
  const cases = fc.tuple(boxes, fc.constantFrom(...UP_KINDS), fc.nat(5), fc.nat(1), level)
  fc.assert(
    fc.property(cases, ([box, kind, at, drop, added]) => {
      const levels = upTopic(box, kind).split('/')
      levels.splice(at, drop, added)
      const changed = levels.join('/')
      const parsed = parseUpTopic(changed)
      if (parsed) expect(upTopic(parsed.box, parsed.kind)).toBe(changed)
    }),
  )
})

test.each([
  '',
  '/',
  'chuangping/v1/box-1/up',
  'chuangping/v1/box-1/up/',
  'chuangping/v1/box-1/up/batch/',
  '/chuangping/v1/box-1/up/batch',
  'chuangping/v1//up/batch',
  'chuangping/v1/+/up/batch',
  'chuangping/v1/#',
  'chuangping/v1/BOX/up/batch',
  'chuangping/v1/box 1/up/batch',
  'chuangping/v1/box-1\0/up/batch',
  'chuangping/v1/box-1/up/receipt',
  'chuangping/v1/box-1/up/constructor',
  'chuangping/v2/box-1/up/batch',
  'Chuangping/v1/box-1/up/batch',
  '$share/collectors/chuangping/v1/box-1/up/batch',
])('%j is not ours', topic => {
  expect(parseUpTopic(topic)).toBeUndefined()
})

describe('a name that is no box id', () => {
  test.each(['', '+', '#', 'a/b', 'box-1/up', '+/up/#', 'box\0', 'Box', '窗'])('%j never stands in a topic', name => {
    for (const make of [
      () => upTopic(name, 'batch'),
      () => downTopic(name, 'receipt'),
      () => upFilter(name),
      () => downFilter(name),
    ]) {
      expect(make).toThrow('no box id')
    }
  })
})

test('the access rules of a box hold all its topics and no other', () => {
  const matches = (filter: string, topic: string) => topic.startsWith(filter.slice(0, -1)) && filter.endsWith('/#')
  fc.assert(
    fc.property(boxes, boxes, (box, other) => {
      for (const kind of UP_KINDS) {
        expect(matches(upFilter(box), upTopic(box, kind))).toBe(true)
        expect(matches(downFilter(box), upTopic(box, kind))).toBe(false)
        if (other !== box) expect(matches(upFilter(box), upTopic(other, kind))).toBe(false)
      }
      for (const kind of DOWN_KINDS) expect(matches(downFilter(box), downTopic(box, kind))).toBe(true)
    }),
  )
})

test('the collector hears one kind from every box', () => {
  expect(upTopicOfAll('batch')).toBe('chuangping/v1/+/up/batch')
  expect(upTopicOfAll('status')).toBe('chuangping/v1/+/up/status')
})
