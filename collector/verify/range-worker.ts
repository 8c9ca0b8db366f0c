import { createPublicKey } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { checkRange, type RangeOrder } from './check-range.ts'
import { openStoreSource } from './store-source.ts'

/** Checks one stretch of a store on a thread of its own: reads by its own connection, tells progress, then the report. */
const { path, key, order } = workerData as { path: string; key: Uint8Array; order: RangeOrder }
const source = openStoreSource(path)
const collectorKey = createPublicKey({ key: Buffer.from(key), format: 'der', type: 'spki' })
const report = checkRange(source, collectorKey, order, entries => parentPort?.postMessage({ entries }))
source.close()
parentPort?.postMessage({ report })
