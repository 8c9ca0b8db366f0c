import { rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { RECEIPTS_FILE_BYTES_MAX } from '#protocol/receipts-file.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import type { Parcels } from './parcels.ts'

/** Where IT staff reach a running box from its own command line; the journal's lock keeps them from the file itself. */
export const staffSocketPath = (folder: string): string => join(folder, 'staff.sock')

export const STAFF_PATHS = { parcel: '/parcel', receipts: '/receipts' } as const
/** Names the parts of a parcel in the answer that carries it, as JSON. */
export const PARTS_HEADER = 'chuangping-parts'

/**
 * Listens on a socket in the file system that only the box's own user (and root) can open: no browser can, and
 * nobody on the network. HTTP, so that an answer that breaks off shows.
 */
export async function openStaffSocket(path: string, parcels: Parcels): Promise<Result<{ close(): Promise<void> }>> {
  const server = createServer((request, response) => {
    answer(parcels, request, response).catch(() => response.destroy())
  })
  // Whoever holds the journal is the only agent, so a socket that is there was left by one that is gone.
  rmSync(path, { force: true })
  const listening = await new Promise<NodeJS.ErrnoException | undefined>(resolve => {
    server.once('error', resolve)
    // The file is made within this call: it is never there with a wider mode.
    const mask = process.umask(0o177)
    server.listen(path, () => resolve(undefined))
    process.umask(mask)
  })
  if (listening) return fail('staff-socket-not-open', `${path}: ${listening.code}`)
  return ok({
    async close() {
      const closed = new Promise(resolve => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  })
}

async function answer(parcels: Parcels, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, url } = request
  if (method === 'POST' && url === STAFF_PATHS.parcel) return await sendParcel(parcels, response)
  if (method === 'POST' && url === STAFF_PATHS.receipts) return await takeReceipts(parcels, request, response)
  sendJson(response, 404, { code: 'not-found', detail: `this agent does not know ${method} ${url}` })
}

async function sendParcel(parcels: Parcels, response: ServerResponse): Promise<void> {
  const { parts, bytes } = parcels.pack()
  response.setHeader(PARTS_HEADER, JSON.stringify(parts))
  response.setHeader('content-type', 'application/octet-stream')
  await pipeline(Readable.from(bytes, { objectMode: false }), response)
}

async function takeReceipts(parcels: Parcels, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length
    // One byte more than is allowed is enough to be refused.
    if (size <= RECEIPTS_FILE_BYTES_MAX + piece.length) pieces.push(piece)
  }
  const taken = parcels.takeReceipts(Buffer.concat(pieces))
  if (taken.ok) sendJson(response, 200, taken.value)
  else sendJson(response, 422, taken.error)
}

function sendJson(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}
