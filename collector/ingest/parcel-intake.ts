import { hash, type KeyObject } from 'node:crypto'
import type { Kysely } from 'kysely'
import { findHead } from '#collector/store/evidence.ts'
import type { Refused } from '#collector/store/quarantine.ts'
import type { Tables } from '#collector/store/tables.ts'
import { type Batch, decodeBatch } from '#protocol/batch.ts'
import { CHAIN_START } from '#protocol/chain.ts'
import type { Clock } from '#protocol/clock.ts'
import { toHex } from '#protocol/codec.ts'
import { type ParcelFault, readParcel } from '#protocol/parcel.ts'
import { encodeReceipt, makeReceipt } from '#protocol/receipt.ts'
import { ok, type Result } from '#protocol/result.ts'
import { checkBatch, type SignerKeys } from './check-batch.ts'
import type { Arrival, GapAttempt } from './work.ts'

/** What a parcel brought. */
export interface ParcelReport {
  batches: number
  /** Of what was taken: new here, and known before. */
  entries: { new: number; known: number }
  chains: {
    box: string
    epoch: string
    committed: number
    /** Nothing of this chain was taken from here on: these entries are not there. */
    missing?: { from: number; to: number }
  }[]
  refused: { box: string; epoch: string; first: number; last: number; code: string; detail: string }[]
  /** Why it was read no further. What is counted above was taken all the same. */
  fault?: { code: string; detail: string }
  /** For what is committed now of each chain in it, signed. */
  receipts: Uint8Array[]
}

/** Gives the batches of a parcel to the ingest, one by one, as if they had come over the broker. */
export interface ParcelIntake {
  /**
   * Reads the source to where it ends or cannot be read. A batch is taken whole or not at all. With `giveUpMissing`
   * what comes behind missing entries is taken, under a `gap` entry that stays. Fails when no batch could be read.
   */
  take(
    source: AsyncIterable<Uint8Array>,
    options: { giveUpMissing: boolean },
  ): Promise<Result<ParcelReport, ParcelFault>>
  /** What the ingest says of every batch, whoever brought it. */
  arrived(arrival: Arrival): void
  quarantined(refused: Refused): void
  /** Whether a person has decided that these entries are given up. */
  mayPassGap(attempt: GapAttempt): boolean
}

/** So much is not of our boxes: reading on would only fill the quarantine. */
const REFUSED_MAX = 100

type Outcome = { kind: 'arrived'; arrival: Arrival } | { kind: 'refused'; refused: Refused }
type Chain = ParcelReport['chains'][number] & { epochBytes: Uint8Array; isReal: boolean }

export function createParcelIntake(deps: {
  db: Kysely<Tables>
  clock: Clock
  signingKey: KeyObject
  keys: SignerKeys
  keyOf(id: Uint8Array): Promise<CryptoKey | undefined>
  accept(box: string, bytes: Uint8Array): void
  /** Resolves when what was accepted before is dealt with. */
  settled(): Promise<void>
}): ParcelIntake {
  const { db, clock } = deps
  const waiting = new Map<string, Set<(outcome: Outcome) => void>>()
  const givenUp = new Set<string>()

  function tell(key: string, outcome: Outcome) {
    for (const told of waiting.get(key) ?? []) told(outcome)
  }

  /** What became of a batch; undefined when it was dropped, which the ingest does when it cannot store. */
  async function offer(batch: Batch, bytes: Uint8Array): Promise<Outcome | undefined> {
    let outcome: Outcome | undefined
    const keys = [arrivalKey(batch), refusalKey(batch.box, bytes)]
    const told = Promise.withResolvers<void>()
    const listen = (one: Outcome) => {
      outcome ??= one
      told.resolve()
    }
    for (const key of keys) waiting.set(key, (waiting.get(key) ?? new Set()).add(listen))
    deps.accept(batch.box, bytes)
    await Promise.race([told.promise, deps.settled()])
    for (const key of keys) {
      const listeners = waiting.get(key)
      listeners?.delete(listen)
      if (listeners?.size === 0) waiting.delete(key)
    }
    return outcome
  }

  async function headOf(box: string, epoch: Uint8Array) {
    return (await findHead(db, box, epoch)) ?? { seq: 0, hash: CHAIN_START }
  }

  function createReading(giveUpMissing: boolean) {
    const report: ParcelReport = { batches: 0, entries: { new: 0, known: 0 }, chains: [], refused: [], receipts: [] }
    const chains = new Map<string, Chain>()

    function chainOf({ box, epoch }: Batch): Chain {
      const key = `${box} ${toHex(epoch)}`
      const known = chains.get(key)
      if (known) return known
      const chain: Chain = { box, epoch: toHex(epoch), epochBytes: epoch, committed: 0, isReal: false }
      chains.set(key, chain)
      return chain
    }

    /** Takes one item; gives why nothing more is to be read. */
    async function take(item: Uint8Array): Promise<ParcelReport['fault']> {
      const decoded = decodeBatch(item)
      const nth = report.batches + 1
      if (!decoded.ok)
        return { code: 'parcel-not-valid', detail: `item ${nth} in it is no batch: ${decoded.error.detail}` }
      const batch = decoded.value
      report.batches = nth
      const chain = chainOf(batch)
      if (chain.missing) return undefined
      const before = (await headOf(batch.box, batch.epoch)).seq
      const attempt = { box: batch.box, epoch: batch.epoch, from: before + 1, to: batch.first - 1 }
      const isBehindGap = batch.first > before + 1
      if (isBehindGap && !giveUpMissing && checkBatch(batch.box, item, deps.keys).ok) {
        chain.isReal = true
        chain.missing = { from: attempt.from, to: attempt.to }
        return undefined
      }
      if (isBehindGap && giveUpMissing) givenUp.add(gapKey(attempt))
      const outcome = await offer(batch, item).finally(() => givenUp.delete(gapKey(attempt)))
      return settle(batch, chain, before, outcome)
    }

    function settle(batch: Batch, chain: Chain, before: number, outcome: Outcome | undefined): ParcelReport['fault'] {
      const last = batch.first + batch.entries.length - 1
      const span = `entries ${batch.first} to ${last} of ${batch.box}`
      if (!outcome) return { code: 'not-taken', detail: `${span} could not be stored` }
      if (outcome.kind === 'refused' || outcome.arrival.place === 'late') {
        const { code, detail } =
          outcome.kind === 'refused'
            ? outcome.refused
            : { code: 'late-for-gap', detail: 'entries that were given up as missing before' }
        const { box, first } = batch
        report.refused.push({ box, epoch: chain.epoch, first, last, code, detail })
        return report.refused.length < REFUSED_MAX
          ? undefined
          : { code: 'too-many-refused', detail: `${REFUSED_MAX} batches of it were refused, the last: ${span}` }
      }
      chain.isReal = true
      const { place, committed } = outcome.arrival
      if (place === 'gap') {
        chain.missing = { from: committed + 1, to: batch.first - 1 }
        return undefined
      }
      const fresh = place === 'follows' ? Math.max(0, last - Math.max(before, batch.first - 1)) : 0
      report.entries.new += fresh
      report.entries.known += batch.entries.length - fresh
      return undefined
    }

    /** Signs for what is committed now of every chain that was believed. */
    async function end(fault: ParcelReport['fault']): Promise<ParcelReport> {
      for (const { isReal, epochBytes: epoch, ...chain } of chains.values()) {
        if (!isReal) continue
        const { seq, hash: head } = await headOf(chain.box, epoch)
        const unsigned = { version: 1, box: chain.box, epoch, seq, hash: head, at: clock.wallMs() } as const
        report.receipts.push(encodeReceipt(makeReceipt(unsigned, deps.signingKey)))
        report.chains.push({ ...chain, committed: seq })
      }
      return fault ? { ...report, fault } : report
    }

    return { take, end, hasRead: () => report.batches > 0 }
  }

  return {
    async take(source, { giveUpMissing }) {
      const reading = createReading(giveUpMissing)
      let fault: ParcelReport['fault']
      for await (const item of readParcel(source, deps.keyOf)) {
        if (!item.ok && !reading.hasRead()) return item
        fault = item.ok ? await reading.take(item.value) : item.error
        if (fault) break
      }
      return ok(await reading.end(fault))
    },
    arrived: arrival => tell(arrivalKey(arrival), { kind: 'arrived', arrival }),
    quarantined(refused) {
      // Nobody waits: nothing is worth hashing.
      if (waiting.size > 0) tell(refusalKey(refused.box, refused.bytes), { kind: 'refused', refused })
    },
    mayPassGap: attempt => givenUp.has(gapKey(attempt)),
  }
}

const arrivalKey = ({ box, epoch, first }: Pick<Arrival, 'box' | 'epoch' | 'first'>) =>
  `at ${box} ${toHex(epoch)} ${first}`
const refusalKey = (box: string, bytes: Uint8Array) => `of ${box} ${hash('sha256', bytes)}`
const gapKey = ({ box, epoch, from, to }: GapAttempt) => `${box} ${toHex(epoch)} ${from}-${to}`
