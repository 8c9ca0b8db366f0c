import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { disturbed } from '#test/helpers/protocol-arbitraries.ts'
import { signingKeys } from '#test/helpers/test-keys.ts'
import { isEqual } from './codec.ts'
import { signReceipt } from './receipt.ts'
import { readReceiptsFile, writeReceiptsFile } from './receipts-file.ts'

const keys = signingKeys()
const receipts = [7, 300, 200_000].map(seq =>
  signReceipt(
    {
      version: 1,
      box: 'box-1',
      epoch: new Uint8Array(16),
      seq,
      hash: new Uint8Array(32).fill(9),
      at: 1_790_000_000_000,
    },
    keys.privateKey,
  ),
)
const file = writeReceiptsFile(receipts)
const read = (text: string | Uint8Array) => readReceiptsFile(Buffer.from(text as string))

test('the receipts come out as they went in, each with its line', () => {
  expect(read(file)).toMatchObject({
    ok: true,
    value: receipts.map((_, i) => ({ line: i + 2, receipt: { seq: [7, 300, 200_000][i] } })),
  })
  expect(read(writeReceiptsFile([]))).toEqual({ ok: true, value: [] })
})

test('ends of lines that a program changed on the way do no harm', () => {
  expect(read(file.replaceAll('\n', '\r\n')).ok).toBe(true)
})

test('disturbed anywhere it is refused, or holds other receipts than those that were signed', () => {
  const bytes = Buffer.from(file)
  fc.assert(
    fc.property(disturbed(bytes), changed => {
      const again = readReceiptsFile(changed)
      if (!again.ok || isEqual(changed, bytes)) return
      // Bits of the base64 that are not used, or spaces behind the end: the same receipts.
      const isSame = again.value.every(({ bytes: one }, i) => isEqual(one, receipts[i]!))
      expect(isSame ? again.value.length : 3).toBe(3)
    }),
    { numRuns: 500 },
  )
})

describe('a file that is no whole file of receipts says why and where', () => {
  const lines = file.split('\n')
  test.each([
    ['empty', '', 'not-receipts', 'does not begin'],
    ['a parcel', 'chuangping parcel v1 0123456789abcdef\n', 'not-receipts', 'does not begin'],
    ['of version 2', file.replace('v1', 'v2'), 'unknown-version', 'version 2'],
    ['cut after a line', lines.slice(0, 3).join('\n'), 'receipts-cut', 'line 3'],
    ['cut inside a line', file.slice(0, -40), 'receipts-cut', 'line 4'],
    ['without its last line', lines.slice(0, -2).join('\n'), 'receipts-cut', 'line 4'],
    ['with a line changed', lines.with(2, 'AAAA').join('\n'), 'receipts-altered', 'line 3'],
    ['with a line taken out', lines.toSpliced(2, 1).join('\n'), 'receipts-cut', 'line 4'],
    ['with a line behind its end', `${file}${lines[1]}\n`, 'receipts-altered', 'line 5'],
  ])('%s', (_, text, code, where) => {
    expect(read(text)).toMatchObject({ ok: false, error: { code, detail: expect.stringContaining(where) } })
  })
})
