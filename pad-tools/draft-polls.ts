import { stringify } from 'yaml'
import { formatBytes } from '#agent/pad/bytes.ts'
import { createPadCodec, type PadOutput } from '#agent/pad/codec.ts'
import { describeOutputs } from '#agent/pad/describe-output.ts'
import type { Profile } from '#agent/pad/profile.ts'
import type { Text } from '#runtime/language.ts'
import type { DraftWords } from './draft-profile.ts'
import type { FoundAnswer } from './find-answer.ts'
import { GRADE_OF } from './findings.ts'
import type { Exchange, HeardPolls } from './heard-polls.ts'
import type { ModbusRead } from './modbus.ts'

export interface DraftQuery {
  readonly bytes: Uint8Array
  readonly modbus: ModbusRead | null
  /** Our own bytes came back before each answer. */
  readonly isEchoed: boolean
}

export const QUERY = 'read-keys'
/** Bits of a byte on the line, with parity. */
const BYTE_BITS = 11
const ANSWER_MS = 200
/** An adapter passes a piece on up to so late. */
const ADAPTER_MS = 16

const MEANINGS: Record<string, Text> = {
  key: { zh: '按下的键', en: 'the key that is down' },
  keys: { zh: '各键的状态', en: 'where the keys stand' },
  released: { zh: '没有键按下', en: 'no key is down' },
}

/** The text of a profile that asks for the keys, each statement marked as learnt. */
export function draftPolls(
  found: FoundAnswer,
  query: DraftQuery,
  words: Omit<DraftWords, 'silenceMs' | 'repeats'>,
): string {
  const { id, title, grades, line } = words
  const { modbus, bytes } = query
  const asked = bytes.length + Math.max(...Object.values(found.frames).map(({ layout }) => layout!.length + 8))
  const exchangeMs = Math.ceil((asked * BYTE_BITS * 1000) / line.baud) + ADAPTER_MS
  const events = found.events.map(({ name, event }) => {
    const keys = found.keys.filter(key => key.event === name)
    return [name, { meaning: MEANINGS[name]!, ...event, ...(keys.length > 0 && { grades: GRADE_OF(grades, keys) }) }]
  })
  const file = {
    format: 1,
    id,
    version: 1,
    title,
    evidence: 'learnt',
    source: words.source,
    line: { baud: line.baud, ...(line.parity !== 'none' && { parity: line.parity }) },
    ...(modbus && { address: { default: modbus.address, min: 1, max: 247 } }),
    site: [...(modbus ? ['address'] : []), 'grades', 'timeouts'],
    capabilities: { levels: found.keys.length },
    behaviour: { silence: '30ms', gap: '5ms', ...(query.isEchoed && { echo: 'removed' }) },
    frames: { ...found.frames, query: queryFrame(query) },
    events: Object.fromEntries(events),
    commands: {
      [QUERY]: {
        frame: 'query',
        meaning: { zh: '查询按键', en: 'ask for the keys' },
        fields: modbus ? { first: wordOf(modbus.first), data: wordOf(modbus.count) } : {},
        expects: { events: found.events.map(({ name }) => name), within: `${Math.max(ANSWER_MS, exchangeMs * 2)}ms` },
      },
    },
    poll: { send: QUERY, idle: '200ms', armed: `${Math.max(40, exchangeMs)}ms`, failuresMax: 5 },
    health: { none: 'Polling asks many times a second; a pad that does not answer is noticed at once.' },
    notes: [...found.facts, ...found.doubts].map(({ zh, en }) => `${zh} / ${en}`.slice(0, 400)),
  }
  return `# yaml-language-server: $schema=${words.schema}\n${stringify(file, { lineWidth: 118 })}`
}

const wordOf = (value: number) => formatBytes([value >> 8, value & 0xff])

function queryFrame({ bytes, modbus }: DraftQuery) {
  const layout = modbus
    ? [
        { name: 'unit', is: 'address' },
        { name: 'function', is: 'constant', bytes: formatBytes([modbus.reads]) },
        { name: 'first', is: 'value', size: 2 },
        { name: 'data', is: 'value', size: 2 },
        { name: 'crc', is: 'checksum', algorithm: 'crc16-modbus', endian: 'little', from: 'unit', to: 'data' },
      ]
    : [{ name: 'query', is: 'constant', bytes: formatBytes(bytes) }]
  return { kind: 'fields', direction: 'to-pad', layout }
}

/** What a codec makes of one exchange. */
export function replayExchange(profile: Profile, { answer }: Exchange, codec = createPadCodec(profile)): PadOutput[] {
  const step = codec.single(QUERY)
  codec.sent(step.bytes, step)
  const outputs = answer.flatMap(({ bytes }) => codec.receive(bytes, true))
  return [...outputs, ...codec.silence()]
}

/** Lines of a golden file: the question and each different answer to it once. */
export function draftPollsGolden(profile: Profile, heard: HeardPolls): string {
  const seen = new Set<string>()
  const lines: string[] = []
  const show = (exchange: Exchange, source: string) => {
    const what = exchange.answer.map(({ bytes }) => formatBytes(bytes)).join(' (5ms) ')
    if (what === '' || seen.has(what)) return
    seen.add(what)
    const codec = createPadCodec(profile)
    const asked = formatBytes(codec.single(QUERY).bytes)
    const outputs = describeOutputs(profile, replayExchange(profile, exchange, codec))
    lines.push(
      `> ${QUERY}  ${asked}  asked while it was learnt`,
      `< ${what} (silence)  ${outputs}  ${source}`,
      '= missed',
    )
  }
  for (const exchange of heard.idle) show(exchange, 'heard, nobody pressing')
  for (const [i, { key, exchanges }] of heard.presses.entries()) {
    for (const exchange of exchanges) show(exchange, `heard, face ${key + 1}, press ${i + 1}`)
  }
  return `# ${profile.id}. Every line is what the pad answered while it was learnt.\n# sign, what  outputs  source\n\n${lines.join('\n')}\n`
}
