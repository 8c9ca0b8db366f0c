import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  BATCH_BYTES_MAX,
  BATCH_ENTRIES_MAX,
  BatchSchema,
  ENTRY_BYTES_MAX,
  PACKED_ENTRIES_MIN,
  PackedBatchSchema,
} from './batch.ts'
import { BOX_KINDS, ENTRY_KINDS, EntrySchema, PROMPT_ORIGINS, SealedSchema } from './entry.ts'
import { GRADES } from './grades.ts'
import { BoxIdSchema, CodeSchema, WindowIdSchema } from './names.ts'
import { PARCEL_CHUNK_BYTES } from './parcel.ts'
import { PresenceSchema } from './presence.ts'
import { PromptRequestSchema } from './prompt-request.ts'
import { ReceiptSchema } from './receipt.ts'
import { PADDED_BYTES, WORDS_BYTES_MAX } from './sealing.ts'
import { TimeAnswerSchema } from './time-answer.ts'
import { DOWN_KINDS, downTopic, UP_KINDS, upTopic } from './topics.ts'

const document = readFileSync(new URL('../docs/protocol.md', import.meta.url), 'utf8')

const kinds = document.slice(document.indexOf('### Kinds'), document.indexOf('## 3.'))

interface Schema {
  properties?: Record<string, Schema & { const?: string }>
  anyOf?: Schema[]
}
const membersOf = (schema: unknown) => Object.keys((schema as Schema).properties ?? {})

test('the written format names every kind of entry with every field of its body', () => {
  for (const kind of (EntrySchema as unknown as Schema).anyOf!) {
    const name = kind.properties!['kind']!.const!
    const row = kinds.split('\n').find(line => line.startsWith(`| \`${name}\` |`))
    expect(row, name).toBeDefined()
    if (name === 'correction') continue
    for (const field of membersOf(kind.properties!['body'])) expect(row).toContain(`\`${field}\``)
  }
  const [ofBox = '', ofCollector = ''] = kinds.split('Written by the collector')
  for (const name of ENTRY_KINDS) {
    expect(BOX_KINDS.includes(name) ? ofBox : ofCollector).toMatch(new RegExp(`^\\| \`${name}\` \\|`, 'm'))
  }
})

test('the written format names every field of every message', () => {
  const messages = [
    BatchSchema,
    PackedBatchSchema,
    ReceiptSchema,
    PresenceSchema,
    PromptRequestSchema,
    TimeAnswerSchema,
    SealedSchema,
  ]
  for (const schema of messages) {
    for (const field of membersOf(schema)) expect(document).toContain(`\`${field}\``)
  }
})

test('the written format has the limits, words and patterns of the code', () => {
  const sizes = [
    BATCH_BYTES_MAX,
    `1 to ${BATCH_ENTRIES_MAX} byte strings`,
    ENTRY_BYTES_MAX,
    `A batch of ${PACKED_ENTRIES_MIN} entries or more may travel packed`,
    `**${PADDED_BYTES.pad} bytes**`,
  ]
  const more = [`**${PADDED_BYTES.screen} bytes**`, `has ${PADDED_BYTES.pad + 16} or ${PADDED_BYTES.screen + 16} bytes`]
  more.push(`ciphertext of ${PARCEL_CHUNK_BYTES} bytes`, `so ${PARCEL_CHUNK_BYTES + 16} bytes`)
  for (const text of [...sizes, ...more, `at most ${WORDS_BYTES_MAX} bytes`]) expect(document).toContain(String(text))
  for (const word of [...GRADES, ...PROMPT_ORIGINS]) expect(document).toContain(`\`${word}\``)
  for (const schema of [BoxIdSchema, WindowIdSchema, CodeSchema]) {
    expect(document).toContain(`\`${(schema as unknown as { pattern: string }).pattern}\``)
  }
})

test('the written format has exactly the topics there are', () => {
  const topics = [...UP_KINDS.map(kind => upTopic('box', kind)), ...DOWN_KINDS.map(kind => downTopic('box', kind))]
  const written = [...document.matchAll(/^\| `(chuangping\/[^`]+)` \|/gm)].map(match =>
    match[1]!.replace('<box>', 'box'),
  )
  expect(written.sort()).toEqual(topics.sort())
})
