import { closeSync, fdatasyncSync, fsyncSync, openSync, writeSync } from 'node:fs'

export const FLOOR_BYTES = 4096

/** The least a durable write can cost: 4 KiB over what a preallocated file holds, then fdatasync. */
export interface Floor {
  write(): void
  close(): void
}

/** Makes a file of `blocks` such places, written and synced once, which `write` takes one after the other. */
export function openFloor(path: string, blocks: number): Floor {
  const file = openSync(path, 'w', 0o600)
  const block = Buffer.alloc(FLOOR_BYTES, 0x5a)
  for (let i = 0; i < blocks; i++) writeSync(file, block, 0, FLOOR_BYTES, i * FLOOR_BYTES)
  fsyncSync(file)
  let next = 0
  return {
    write() {
      block.writeUInt32BE(next)
      writeSync(file, block, 0, FLOOR_BYTES, (next++ % blocks) * FLOOR_BYTES)
      fdatasyncSync(file)
    },
    close: () => closeSync(file),
  }
}
