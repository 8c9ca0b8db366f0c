/**
 * What a receipt of version 1 is signed over, made without the schema: deterministic CBOR of `{ at, box, seq,
 * hash, epoch, version }`. For checking millions of them; a test holds it against the schema's encoding.
 */
export function receiptMessage(receipt: {
  box: string
  epoch: Uint8Array
  seq: number
  hash: Uint8Array
  /** Not negative. */
  at: number
}): Buffer {
  const { box, epoch, seq, hash, at } = receipt
  const parts = [
    Buffer.of(0xa6),
    name('at'),
    head(0, at),
    name('box'),
    head(3, box.length),
    Buffer.from(box, 'latin1'),
    name('seq'),
    head(0, seq),
    name('hash'),
    head(2, hash.length),
    hash,
    name('epoch'),
    head(2, epoch.length),
    epoch,
    name('version'),
    Buffer.of(1),
  ]
  return Buffer.concat(parts)
}

const name = (text: string) => Buffer.concat([head(3, text.length), Buffer.from(text)])

/** The head of an item in its shortest form (RFC 8949 section 4.2.1). */
function head(major: number, value: number): Buffer {
  const type = major << 5
  if (value < 24) return Buffer.of(type + value)
  if (value < 0x100) return Buffer.of(type + 24, value)
  if (value < 0x10000) return Buffer.of(type + 25, value >> 8, value & 0xff)
  const bytes = Buffer.alloc(value < 2 ** 32 ? 5 : 9)
  bytes[0] = type + (bytes.length === 5 ? 26 : 27)
  if (bytes.length === 9) bytes.writeUInt32BE(Math.floor(value / 2 ** 32), 1)
  bytes.writeUInt32BE(value % 2 ** 32, bytes.length - 4)
  return bytes
}
