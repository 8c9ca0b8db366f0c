/**
 * Makes the test vectors in `test/vectors/` anew: `node scripts/vectors.ts`.
 *
 * They are part of the version-1 format, so this is for adding to them, never for making a failing test
 * pass: what stands there must be read for ever. The keys are kept; signatures and seals are randomised
 * and come out different each time.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import { encode } from 'cborg'
import { BATCH_BYTES_MAX, type Batch, decodeBatch, encodeBatch, signBatch } from '#protocol/batch.ts'
import { CHAIN_START, chainHashes, entryHash } from '#protocol/chain.ts'
import { fromHex, toHex } from '#protocol/codec.ts'
import { decodeEntry, type Entry, encodeEntry, type Sealed } from '#protocol/entry.ts'
import { GRADES } from '#protocol/grades.ts'
import { sealParcel } from '#protocol/parcel.ts'
import { encodePresence, type Presence } from '#protocol/presence.ts'
import { signPromptRequest } from '#protocol/prompt-request.ts'
import { signReceipt } from '#protocol/receipt.ts'
import { writeReceiptsFile } from '#protocol/receipts-file.ts'
import { createSealer, type RatingText, sealingContext } from '#protocol/sealing.ts'
import { signTimeAnswer } from '#protocol/time-answer.ts'
import { writeFileAtomic } from '#runtime/atomic-file.ts'
import { toReadable } from '#test/helpers/readable-bytes.ts'

const FOLDER = join(import.meta.dirname, '../test/vectors')
const WARNING = 'TEST ONLY: these private keys are public. Never enrol a box or a collector with them.'

const BOX = 'box-vector-1'
const EPOCH = bytes(16, 0x10)
const BOOT = bytes(16, 0xb0)
const START_WALL_MS = Date.UTC(2026, 2, 2, 1, 0, 0)
const REFERENCE = { case: '110105-20260302-0001', service: 1 }
const WORDS = '窗口人员很耐心，就是排队有点久。'

/** `length` bytes counting up from `first`: easy to recognise in a dump. */
function bytes(length: number, first: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (first + i) & 0xff)
}

interface Keys {
  box: KeyObject
  collector: KeyObject
  opening: KeyObject
}

function loadOrMakeKeys(): Keys {
  const file = join(FOLDER, 'keys.json')
  if (!existsSync(file)) {
    return {
      box: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
      collector: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
      opening: generateKeyPairSync('x25519').privateKey,
    }
  }
  const stored = JSON.parse(readFileSync(file, 'utf8')) as Record<keyof Keys, { private: string }>
  const load = (name: keyof Keys) =>
    createPrivateKey({ key: Buffer.from(fromHex(stored[name].private)), format: 'der', type: 'pkcs8' })
  return { box: load('box'), collector: load('collector'), opening: load('opening') }
}

function describeKey(privateKey: KeyObject, use: string) {
  return {
    use,
    private: toHex(privateKey.export({ format: 'der', type: 'pkcs8' })),
    public: toHex(createPublicKey(privateKey).export({ format: 'der', type: 'spki' })),
  }
}

/** Entries of one after another, a second apart. */
function at(seq: number, isSynced: boolean) {
  return { boot: BOOT, mono: 60_000 + seq * 1000, wall: START_WALL_MS + seq * 1000, synced: isSynced }
}

type Unstamped = { [K in Entry['kind']]: Pick<Extract<Entry, { kind: K }>, 'kind' | 'body'> }[Entry['kind']]

function boxEntries(seals: { pad: Sealed; corrected: Sealed; screen: Sealed }): Unstamped[] {
  const [first, second, third, fourth] = [0x40, 0x50, 0x60, 0x70].map(n => bytes(16, n)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  return [
    { kind: 'boot', body: { agent: '0.1.0', origin: { reason: 'first' } } },
    { kind: 'config', body: { window: 'A01', profile: 'four-key-rs485', version: '1', hash: bytes(32, 0xc0) } },
    { kind: 'pad', body: { window: 'A01', state: 'ready' } },
    { kind: 'prompt', body: { prompt: first, window: 'A01', origin: 'panel', for: REFERENCE, clerk: '王芳 007' } },
    { kind: 'rating', body: { prompt: first, provenance: 'pad', sealed: seals.pad } },
    { kind: 'correction', body: { prompt: first, provenance: 'pad', sealed: seals.corrected } },
    { kind: 'anchor', body: { truth: START_WALL_MS + 6_400, errorMs: 120, source: 'receipt' } },
    { kind: 'prompt', body: { prompt: second, window: 'A01', origin: 'scanner', for: { ...REFERENCE, service: 99 } } },
    { kind: 'outcome', body: { prompt: second, outcome: 'cancelled', reason: 'wrong-case', note: '扫错了单子' } },
    {
      kind: 'prompt',
      body: { prompt: third, window: 'A01', origin: 'collector', for: { case: '京朝〔2026〕0002号', service: 2 } },
    },
    { kind: 'rating', body: { prompt: third, provenance: 'screen', sealed: seals.screen } },
    { kind: 'prompt', body: { prompt: fourth, window: 'A01', origin: 'command' } },
    { kind: 'pad', body: { window: 'A01', state: 'lost', reason: 'unplugged' } },
    { kind: 'outcome', body: { prompt: fourth, outcome: 'pad-unavailable', reason: 'unplugged' } },
    {
      kind: 'boot',
      body: {
        agent: '0.1.1',
        origin: { reason: 'quarantined', epoch: bytes(16, 0xe0), seq: 9_007_199_254_740_991, hash: bytes(32, 0xd0) },
      },
    },
  ]
}

function collectorEntries(keys: Keys): Unstamped[] {
  const key = createPublicKey(keys.box).export({ format: 'der', type: 'spki' })
  return [
    { kind: 'enrolment', body: { box: BOX, key } },
    {
      kind: 'case',
      body: {
        ...REFERENCE,
        source: 'hall-queue',
        item: '居住证签发',
        window: 'A01',
        clerk: '王芳 007',
        servedAt: START_WALL_MS,
      },
    },
    { kind: 'case', body: { case: '京朝〔2026〕0002号', service: 2, source: 'hall-queue' } },
    ...incidentEntries(key),
  ]
}

/** What the collector writes when something is missing, contradictory, forbidden or stolen. */
function incidentEntries(key: Uint8Array): Unstamped[] {
  const [epoch, previous] = [bytes(16, 0xe0), bytes(32, 0xd0)]
  const gap = { box: BOX, epoch, from: 18, to: 21, previous } as const
  return [
    { kind: 'gap', body: { ...gap, reason: 'not-sent' } },
    { kind: 'gap', body: { ...gap, reason: 'explained', by: '运维', note: '存储卡更换' } },
    { kind: 'finding', body: { box: BOX, code: 'forked', epoch, seq: 30, hash: bytes(32, 0x90) } },
    { kind: 'refused', body: { what: 'provenance', by: 'api hall-queue', code: 'provenance-fixed' } },
    { kind: 'revocation', body: { box: BOX, serial: '4af1', key, reason: '盒子被盗', at: START_WALL_MS + 9_000 } },
    { kind: 'revocation', body: { box: BOX, serial: '4af0', reason: '证书作废', at: START_WALL_MS + 9_500 } },
    {
      kind: 'acceptance',
      body: {
        box: BOX,
        batch: bytes(32, 0xa0),
        epoch,
        first: 31,
        last: 33,
        by: '运维',
        reason: '丢失前写下，未及上传',
      },
    },
    { kind: 'enrolment', body: { box: BOX, key, hall: 'hall-1' } },
    {
      kind: 'digest',
      body: { hall: 'hall-1', day: '2026-03-02', entries: 15, root: bytes(32, 0x11), batches: bytes(32, 0x22) },
    },
    {
      kind: 'quarantined',
      body: {
        box: BOX,
        sha256: bytes(32, 0x33),
        code: 'not-decodable',
        detail: 'batch is not CBOR: unexpected end',
        size: 212,
        times: 2,
      },
    },
  ]
}

function makeChain(box: string, epoch: Uint8Array, unstamped: Unstamped[]) {
  let previous = CHAIN_START
  const entries = unstamped.map((entry, i) => {
    const seq = i + 1
    const exact = encodeEntry({ ...entry, time: at(seq, seq > 6) } as Entry)
    const read = decodeEntry(exact)
    if (!read.ok) throw new Error(read.error.detail)
    previous = entryHash({ box, epoch }, seq, previous, exact)
    return { seq, entry: toReadable(read.value), bytes: toHex(exact), hash: toHex(previous) }
  })
  return { box, epoch: toHex(epoch), entries }
}

function makeBatch(chain: ReturnType<typeof makeChain>, first: number, last: number, boxKey: KeyObject) {
  const entries = chain.entries.slice(first - 1, last).map(entry => fromHex(entry.bytes))
  const previous = first === 1 ? CHAIN_START : fromHex(chain.entries[first - 2]!.hash)
  const newest = chain.entries.length
  const unsigned = {
    version: 1,
    box: chain.box,
    epoch: fromHex(chain.epoch),
    first,
    previous,
    entries,
    newest,
  } as const
  const hashes = chainHashes(unsigned, first, previous, entries)
  const batch: Batch = signBatch(unsigned, hashes.at(-1)!, boxKey)
  return { batch: toReadable(batch), bytes: toHex(encodeBatch(batch)), hashes: hashes.map(toHex) }
}

async function makeSealed(keys: Keys) {
  const sealer = await createSealer(createPublicKey(keys.opening))
  const make = async (prompt: Uint8Array, provenance: 'pad' | 'screen', text: RatingText) => {
    const sealed = await (await sealer.prepare()).seal(text, provenance, sealingContext(BOX, prompt))
    return { sealed, vector: { box: BOX, prompt: toHex(prompt), provenance, text, sealed: toReadable(sealed) } }
  }
  const pad = await make(bytes(16, 0x40), 'pad', { grade: 'dissatisfied' })
  const corrected = await make(bytes(16, 0x40), 'pad', { grade: 'satisfied' })
  const screen = await make(bytes(16, 0x60), 'screen', {
    grade: 'fairly-satisfied',
    tags: ['203', 'wait.long'],
    words: WORDS,
  })
  const every = await Promise.all(GRADES.map(grade => make(bytes(16, 0x80), 'pad', { grade })))
  return { pad, corrected, screen, every }
}

function makeRefused(batches: ReturnType<typeof makeBatch>[], entry: string) {
  const batch = batches[0]!.bytes
  const swapHex = (hex: string, from: string, to: string) => {
    if (hex.split(from).length !== 2) throw new Error(`${from} must stand exactly once`)
    return hex.replace(from, to)
  }
  const text = (word: string) => toHex(Buffer.from(word))
  return [
    { message: 'entry', why: 'nothing at all', bytes: '', code: 'not-decodable' },
    { message: 'entry', why: 'cut off', bytes: entry.slice(0, -2), code: 'not-decodable' },
    { message: 'entry', why: 'a byte behind the end', bytes: `${entry}00`, code: 'not-decodable' },
    {
      message: 'entry',
      why: 'the outer map has indefinite length',
      bytes: `bf${entry.slice(2)}ff`,
      code: 'not-decodable',
    },
    {
      message: 'entry',
      why: 'the length of a name takes more bytes than it needs',
      bytes: swapHex(entry, `64${text('body')}`, `7804${text('body')}`),
      code: 'not-decodable',
    },
    {
      message: 'entry',
      why: 'a number is a float',
      bytes: swapHex(entry, `64${text('mono')}19f618`, `64${text('mono')}fa47761800`),
      code: 'not-deterministic',
    },
    {
      message: 'entry',
      why: 'an unknown kind',
      bytes: swapHex(entry, `63${text('pad')}`, `63${text('pod')}`),
      code: 'not-valid',
    },
    {
      message: 'batch',
      why: 'of version 2',
      bytes: swapHex(batch, `67${text('version')}01`, `67${text('version')}02`),
      code: 'unknown-version',
    },
    {
      message: 'batch',
      why: 'of another box',
      bytes: swapHex(batch, `6c${text(BOX)}`, `6c${text('box-vector-2')}`),
      code: 'bad-signature',
    },
    {
      message: 'batch',
      why: 'numbered from 2, hung onto nothing',
      bytes: swapHex(batch, `65${text('first')}01`, `65${text('first')}02`),
      code: 'bad-signature',
    },
    {
      message: 'batch',
      why: 'one letter of a sealed entry changed',
      bytes: swapHex(
        batches[1]!.bytes,
        `6a${text('provenance')}63${text('pad')}`,
        `6a${text('provenance')}63${text('qad')}`,
      ),
      code: 'bad-signature',
    },
  ]
}

/** As a box may send it: deterministic CBOR, names in the order of their encodings. */
function pack(hex: string, behind = ''): string {
  const packed = Buffer.concat([deflateRawSync(fromHex(hex), { level: 1 }), fromHex(behind)])
  return toHex(encode({ packed, version: 1 }))
}

/** The batch with the most entries, packed. */
function makePacked(batches: ReturnType<typeof makeBatch>[]) {
  const { bytes } = batches[2]!
  const packed = pack(bytes)
  if (!decodeBatch(fromHex(packed)).ok || packed.length >= bytes.length) throw new Error('it must be shorter')
  return [{ packed, bytes }]
}

function makeRefusedPacked(batches: ReturnType<typeof makeBatch>[]) {
  const { bytes } = batches[2]!
  const tooMuch = toHex(new Uint8Array(BATCH_BYTES_MAX + 1))
  return [
    { message: 'batch', why: 'packed, and would become too big', bytes: pack(tooMuch), code: 'batch-too-big' },
    { message: 'batch', why: 'packed, with a byte behind its end', bytes: pack(bytes, '00'), code: 'not-decodable' },
    { message: 'batch', why: 'packed twice', bytes: pack(pack(bytes)), code: 'not-valid' },
  ]
}

async function makeParcel(batches: ReturnType<typeof makeBatch>[], opening: KeyObject) {
  const pieces: Uint8Array[] = []
  const items = batches.map(({ bytes }) => fromHex(bytes))
  for await (const piece of sealParcel(createPublicKey(opening), items)) pieces.push(piece)
  return { batches: batches.map(({ bytes }) => bytes), parcel: Buffer.concat(pieces).toString('base64') }
}

function write(name: string, content: unknown): void {
  writeFileAtomic(join(FOLDER, name), `${JSON.stringify(content, undefined, 2)}\n`)
}

async function main(): Promise<void> {
  mkdirSync(FOLDER, { recursive: true })
  const keys = loadOrMakeKeys()
  write('keys.json', {
    warning: WARNING,
    box: describeKey(keys.box, 'P-256, signs the batches'),
    collector: describeKey(keys.collector, 'P-256, signs the receipts'),
    opening: describeKey(keys.opening, 'X25519, opens the sealed ratings'),
  })
  const { pad, corrected, screen, every } = await makeSealed(keys)
  const chain = makeChain(
    BOX,
    EPOCH,
    boxEntries({ pad: pad.sealed, corrected: corrected.sealed, screen: screen.sealed }),
  )
  write('chains.json', [chain, makeChain('collector', bytes(16, 0x20), collectorEntries(keys))])
  write(
    'sealed.json',
    [pad, corrected, screen, ...every].map(each => each.vector),
  )
  const batches = [
    makeBatch(chain, 1, 4, keys.box),
    makeBatch(chain, 5, 5, keys.box),
    makeBatch(chain, 6, 15, keys.box),
  ]
  write('batches.json', batches)
  const receipts = [4, 15].map(seq => {
    const unsigned = {
      version: 1,
      box: BOX,
      epoch: EPOCH,
      seq,
      hash: fromHex(chain.entries[seq - 1]!.hash),
      at: START_WALL_MS + 20_000,
    } as const
    return { receipt: toReadable(unsigned), bytes: toHex(signReceipt(unsigned, keys.collector)) }
  })
  write('receipts.json', receipts)
  const presences: Presence[] = [
    {
      version: 1,
      online: true,
      agent: '0.1.0',
      backlog: 3,
      windows: [
        { window: 'A01', pad: 'ready' },
        { window: 'A02', pad: 'lost' },
      ],
    },
    { version: 1, online: false, agent: '0.1.0', backlog: 0, windows: [] },
    {
      version: 1,
      online: true,
      agent: '0.1.0',
      receipted: { epoch: EPOCH, seq: 15 },
      question: bytes(16, 0xa0),
      backlog: 0,
      windows: [],
    },
  ]
  write(
    'presences.json',
    presences.map(presence => ({ presence: toReadable(presence), bytes: toHex(encodePresence(presence)) })),
  )
  const requests = [
    { prompt: bytes(16, 0x60), for: { case: '京朝〔2026〕0002号', service: 2 } },
    { prompt: bytes(16, 0x90), for: REFERENCE, clerk: '王芳 007' },
  ].map(request => ({ version: 1, box: BOX, window: 'A01', at: 1_795_485_600_000, ...request }) as const)
  write(
    'prompt-requests.json',
    requests.map(request => ({
      request: toReadable(request),
      bytes: toHex(signPromptRequest(request, keys.collector)),
    })),
  )
  const answers = [START_WALL_MS + 30_000, Date.UTC(2050, 0, 1)].map(
    at => ({ version: 1, box: BOX, question: bytes(16, 0xa0), at }) as const,
  )
  write(
    'time-answers.json',
    answers.map(answer => ({ answer: toReadable(answer), bytes: toHex(signTimeAnswer(answer, keys.collector)) })),
  )
  write('refused.json', [...makeRefused(batches, chain.entries[2]!.bytes), ...makeRefusedPacked(batches)])
  write('packed.json', makePacked(batches))
  write('parcel.json', await makeParcel(batches, keys.opening))
  writeFileAtomic(join(FOLDER, 'receipts.txt'), writeReceiptsFile(receipts.map(({ bytes }) => fromHex(bytes))))
}

if (import.meta.main) await main()
