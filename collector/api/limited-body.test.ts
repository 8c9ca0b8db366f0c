import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { limitBody } from './limited-body.ts'

const pieces = (...sizes: number[]) => sizes.map(size => Buffer.alloc(size, 1))

test('a body up to the limit comes whole; a byte more is refused when it comes', async () => {
  const whole: number[] = []
  for await (const piece of limitBody(Readable.from(pieces(4, 6)), 10).pieces()) whole.push(piece.length)
  expect(whole).toEqual([4, 6])
  const longer = limitBody(Readable.from(pieces(4, 7)), 10).pieces()
  expect((await longer.next()).value).toHaveLength(4)
  await expect(longer.next()).rejects.toMatchObject({ code: 'parcel-too-big' })
})

test('what a reader leaves is read to its end, within the same limit', async () => {
  const body = Readable.from(pieces(4, 3, 3))
  const limited = limitBody(body, 10)
  for await (const _ of limited.pieces()) break
  await limited.drain()
  expect(body.readableEnded).toBe(true)
  await expect(limitBody(Readable.from(pieces(4, 7)), 10).drain()).rejects.toMatchObject({ code: 'parcel-too-big' })
})

test('a sender who goes away is the end of the body, any other fault is one', async () => {
  async function* failing(code: string) {
    yield await Promise.resolve(Buffer.alloc(3))
    throw Object.assign(new Error('aborted'), { code })
  }
  const gone = limitBody(failing('ECONNRESET'), 10)
  const got: number[] = []
  for await (const piece of gone.pieces()) got.push(piece.length)
  await gone.drain()
  expect(got).toEqual([3])
  await expect(limitBody(failing('EIO'), 10).drain()).rejects.toMatchObject({ code: 'EIO' })
})
