import { createReadStream, statSync } from 'node:fs'
import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { fail, ok, type Result } from '#protocol/result.ts'
import type { Language } from '#runtime/language.ts'
import type { Problem } from '#runtime/problem.ts'

/** What the collector answers to a parcel (`POST /v1/parcels`). */
export interface ParcelAnswer {
  batches: number
  entries: { new: number; known: number }
  chains: { box: string; epoch: string; committed: number; missing?: { from: number; to: number } }[]
  refused: { box: string; epoch: string; first: number; last: number; code: string; detail: string }[]
  fault?: { code: string; detail: string }
  receipts: string[]
}

/** Sends parcels to a running collector: only that may write to its store. */
export interface ImportClient {
  /** Sends a file as it is read. `onSent` is told how many bytes have gone. */
  send(
    file: string,
    options: { giveUpMissing: boolean },
    onSent: (bytes: number) => void,
  ): Promise<Result<ParcelAnswer>>
}

export function createImportClient(url: string, key: string, language: Language): ImportClient {
  async function post(path: string, file: string, onSent: (bytes: number) => void): Promise<Result<IncomingMessage>> {
    const target = new URL(path, url)
    const request = target.protocol === 'https:' ? requestHttps : requestHttp
    const sent = request(target, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key}`,
        'accept-language': language === 'zh' ? 'zh-CN' : 'en',
        'content-type': 'application/octet-stream',
        'content-length': statSync(file).size,
      },
    })
    const answered = new Promise<Result<IncomingMessage>>(settle => {
      sent.once('response', response => settle(ok(response)))
      sent.on('error', ({ code = '' }: NodeJS.ErrnoException) => {
        settle(fail('collector-not-reachable', `nothing answers at ${url} (${code}): is the collector running there?`))
      })
    })
    let bytes = 0
    const source = createReadStream(file, { highWaterMark: 256 * 1024 })
    source.on('data', piece => {
      bytes += piece.length
      onSent(bytes)
    })
    try {
      await pipeline(source, sent)
    } catch (error) {
      const { code, path: own } = error as NodeJS.ErrnoException
      if (own === file) return fail('file-not-readable', `${file}: ${code}`)
      // Who refuses early closes early; what it said is worth more than that it closed.
    }
    return await answered
  }

  return {
    async send(file, { giveUpMissing }, onSent) {
      for (;;) {
        const answer = await post(`/v1/parcels${giveUpMissing ? '?giveUpMissing=true' : ''}`, file, onSent)
        if (!answer.ok) return answer
        const { statusCode, headers } = answer.value
        const text = await textOf(answer.value)
        if (statusCode === 200) return ok(JSON.parse(text) as ParcelAnswer)
        if (statusCode === 429) {
          await delay(1000 * (Number(headers['retry-after']) || 1))
          continue
        }
        return problemOf(text, statusCode)
      }
    },
  }
}

function problemOf(text: string, status: number | undefined): Result<never> {
  try {
    const { code, title, detail, remedy } = JSON.parse(text) as Problem
    return fail(code, [title, detail, remedy].filter(Boolean).join(' — '))
  } catch {
    return fail('collector-not-reachable', `what answers there is no collector (HTTP ${status})`)
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const piece of response.setEncoding('utf8')) text += piece
  return text
}
