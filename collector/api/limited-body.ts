import { Refusal } from './refusal.ts'

/** A body by pieces, of which a reader may take only the beginning. */
export interface LimitedBody {
  pieces(): AsyncGenerator<Uint8Array>
  /** Reads on to the end, so that whoever still sends hears the answer. */
  drain(): Promise<void>
}

/** Refuses what is longer than `bytesMax`. A sender who goes away is the end of it: what follows from that is the reader's. */
export function limitBody(body: AsyncIterable<Uint8Array>, bytesMax: number): LimitedBody {
  const iterator = body[Symbol.asyncIterator]()
  let bytes = 0
  let isGone = false

  async function next(): Promise<Uint8Array | undefined> {
    if (isGone) return undefined
    try {
      const piece = await iterator.next()
      if (piece.done) return undefined
      bytes += piece.value.length
      if (bytes <= bytesMax) return piece.value
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error
      isGone = true
      return undefined
    }
    throw new Refusal('parcel-too-big', `it has more than ${bytesMax} bytes`)
  }

  return {
    async *pieces() {
      for (let piece = await next(); piece; piece = await next()) yield piece
    },
    async drain() {
      while (await next());
    },
  }
}
