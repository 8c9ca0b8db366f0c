import { decodeReceipt, type Receipt } from './receipt.ts'
import { fail, ok, type Result } from './result.ts'

/**
 * The receipts for parcels, to be carried back: lines of text, so that people can see what it is. Each receipt is
 * signed, and says nothing that is secret: box, epoch, number, hash, time.
 */

const FIRST_LINE = 'chuangping receipts v1'
export const RECEIPTS_FILE_BYTES_MAX = 16 * 1024 * 1024

export interface ReceiptsFault {
  code: 'not-receipts' | 'unknown-version' | 'receipts-cut' | 'receipts-altered'
  detail: string
}

/** A receipt with the line it stands in, not yet believed. */
export interface ReceiptLine {
  line: number
  bytes: Uint8Array
  receipt: Receipt
}

/** Whether a file that begins with these bytes says that it holds receipts, of whatever version. */
export const isReceiptsFile = (start: Uint8Array): boolean =>
  /^chuangping receipts v/.test(Buffer.from(start.subarray(0, 32)).toString('latin1'))

export function writeReceiptsFile(receipts: readonly Uint8Array[]): string {
  const lines = receipts.map(bytes => Buffer.from(bytes).toString('base64'))
  return `${[FIRST_LINE, ...lines, `end ${receipts.length}`].join('\n')}\n`
}

/** All receipts of a file, or none: one that is cut or altered is refused whole, with the line. Verifies no signature. */
export function readReceiptsFile(bytes: Uint8Array): Result<ReceiptLine[], ReceiptsFault> {
  if (bytes.length > RECEIPTS_FILE_BYTES_MAX) {
    return fail('not-receipts', `it has ${bytes.length} bytes, at most ${RECEIPTS_FILE_BYTES_MAX}`)
  }
  if (!isReceiptsFile(bytes)) return fail('not-receipts', 'it does not begin with "chuangping receipts"')
  // A text editor or a mail program may have changed the ends of the lines.
  const [first = '', ...rest] = Buffer.from(bytes).toString('latin1').split(/\r?\n/)
  const version = /^chuangping receipts v(\d+)$/.exec(first)?.[1]
  if (first !== FIRST_LINE) {
    return version
      ? fail('unknown-version', `it is of version ${version}, this reads version 1`)
      : fail('not-receipts', 'its first line is not that of receipts')
  }
  const read: ReceiptLine[] = []
  for (const [i, text] of rest.entries()) {
    const line = i + 2
    if (text === `end ${read.length}`) {
      const isEnd = rest.slice(i + 1).every(after => after === '')
      return isEnd ? ok(read) : fail('receipts-altered', `there is something behind its end in line ${line}`)
    }
    const receipt = /^[A-Za-z0-9+/]+=*$/.test(text) ? decodeReceipt(Buffer.from(text, 'base64')) : undefined
    if (!receipt?.ok) {
      const isAtEnd = rest.slice(i + 1).every(after => after === '')
      return isAtEnd
        ? fail('receipts-cut', `it ends in line ${line}, without its last line`)
        : fail('receipts-altered', `line ${line} is no receipt`)
    }
    read.push({ line, bytes: Buffer.from(text, 'base64'), receipt: receipt.value })
  }
  return fail('receipts-cut', `it ends after line ${rest.length + 1}, without its last line`)
}
