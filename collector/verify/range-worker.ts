import { createPublicKey } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { checkRange, type RangeOrder } from './check-range.ts'
import { createOwnWords, type OwnWord } from './own-words.ts'
import { createSignatureCheck } from './signatures.ts'
import { openStoreSource } from './store-source.ts'

/** What a thread is given: all orders, and the shared number of the next one nobody has taken, counted down. */
export interface RangeWork {
  path: string
  /** SubjectPublicKeyInfo of the collector. */
  key: Uint8Array
  ownWords: readonly OwnWord[]
  orders: readonly RangeOrder[]
  next: Int32Array
}

/** Takes orders until none is left, reading by a connection of its own; tells progress, and each report. */
const { path, key, ownWords, orders, next } = workerData as RangeWork
const source = openStoreSource(path)
const words = createOwnWords(ownWords)
const signatures = createSignatureCheck(words, createPublicKey({ key: Buffer.from(key), format: 'der', type: 'spki' }))
const onProgress = (entries: number) => parentPort?.postMessage({ entries })
for (let i = Atomics.sub(next, 0, 1); i >= 0; i = Atomics.sub(next, 0, 1)) {
  const report = checkRange(orders[i]!, { source, words, signatures, onProgress })
  parentPort?.postMessage({ report, i })
}
source.close()
