import { createPublicKey } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { checkRange, type RangeOrder } from './check-range.ts'
import { openStoreSource } from './store-source.ts'

/** What a thread is given: all orders, and the shared number of the next one nobody has taken. */
export interface RangeWork {
  path: string
  /** SubjectPublicKeyInfo of the collector. */
  key: Uint8Array
  orders: readonly RangeOrder[]
  next: Int32Array
}

/** Takes orders until none is left, reading by a connection of its own; tells progress, and each report. */
const { path, key, orders, next } = workerData as RangeWork
const source = openStoreSource(path)
const collectorKey = createPublicKey({ key: Buffer.from(key), format: 'der', type: 'spki' })
for (let i = Atomics.add(next, 0, 1); i < orders.length; i = Atomics.add(next, 0, 1)) {
  const report = checkRange(source, collectorKey, orders[i]!, entries => parentPort?.postMessage({ entries }))
  parentPort?.postMessage({ report, i })
}
source.close()
