import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createEventParser, readEvents, type ServerEvent } from './event-stream.ts'

const word = fc.stringMatching(/^[a-z]{1,8}$/)
const event = fc.record({ name: word, data: fc.oneof(fc.json(), fc.stringMatching(/^[^\r\n]{1,20}$/)) })

test('every event comes out whole and once, however the stream is cut, with comments between', () => {
  fc.assert(
    fc.property(
      fc.array(event, { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 8 }),
      fc.constantFrom('\n', '\r\n'),
      (events, cuts, end) => {
        const text = events
          .map(({ name, data }) => `: ${end}${end}event: ${name}${end}data: ${data}${end}${end}`)
          .join('')
        const parser = createEventParser()
        const seen: ServerEvent[] = []
        for (let at = 0, n = 0; at < text.length; n++) {
          const size = cuts[n % cuts.length]!
          seen.push(...parser.push(text.slice(at, at + size)))
          at += size
        }
        expect(seen).toEqual(events)
      },
    ),
  )
})

test('an event that the end cuts off never comes', () => {
  expect(createEventParser().push('event: box\ndata: {"half":')).toEqual([])
})

test('bytes of one Chinese character in two pieces are one character', async () => {
  const bytes = new TextEncoder().encode('event: service\ndata: 受理\n\n')
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte))
      controller.close()
    },
  })
  const seen: ServerEvent[] = []
  let signs = 0
  await readEvents(
    body,
    event => seen.push(event),
    () => {
      signs += 1
    },
  )
  expect(seen).toEqual([{ name: 'service', data: '受理' }])
  expect(signs).toBe(bytes.length)
})
