import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { DOWN_KINDS, downTopic, parseDownTopic, parseUpTopic, UP_KINDS, upTopic } from '#protocol/topics.ts'
import { asyncapiYaml } from './asyncapi.ts'

type Node = Record<string, unknown>
const document = parse(asyncapiYaml())

/** Every object of the document with its path. */
function nodes(value: unknown, path = '#'): [string, Node][] {
  if (typeof value !== 'object' || value === null) return []
  const children = Object.entries(value).flatMap(([name, child]) => nodes(child, `${path}/${name}`))
  return [[path, value as Node], ...children]
}

function resolveIn(value: unknown, ...names: string[]): unknown {
  return names.reduce((at, name) => (at as Record<string, unknown> | undefined)?.[name], value)
}

const resolve = (reference: string) => resolveIn(document, ...reference.split('/').slice(1))

test('the checked-in document is the one the schemas give', () => {
  expect(readFileSync(new URL('../asyncapi.yaml', import.meta.url), 'utf8')).toBe(asyncapiYaml())
})

test('every reference points at something in the document', () => {
  const references = nodes(document).flatMap(([, node]) =>
    typeof node['$ref'] === 'string' ? [String(node['$ref'])] : [],
  )
  expect(references.length).toBeGreaterThan(20)
  for (const reference of references) {
    expect(reference).toMatch(/^#\//)
    expect(resolve(reference), reference).toBeTypeOf('object')
  }
})

test('every topic there is has its channel, and every channel is a topic', () => {
  const addresses = Object.values<Node>(document.channels).map(channel => String(channel['address']))
  const topics = [...UP_KINDS.map(kind => upTopic('box-1', kind)), ...DOWN_KINDS.map(kind => downTopic('box-1', kind))]
  expect(addresses.map(address => address.replace('{box}', 'box-1')).sort()).toEqual([...topics].sort())
})

test('each channel has one who sends and one who receives, as its topic says', () => {
  for (const [name, channel] of Object.entries<Node>(document.channels)) {
    const address = String(channel['address']).replace('{box}', 'box-1')
    const sender = parseUpTopic(address) ? 'box' : parseDownTopic(address) ? 'collector' : 'nobody'
    const receiver = sender === 'box' ? 'collector' : 'box'
    expect(document.operations[`${sender}-sends-${name}`]).toMatchObject({
      action: 'send',
      channel: { $ref: `#/channels/${name}` },
    })
    expect(document.operations[`${receiver}-receives-${name}`]).toMatchObject({ action: 'receive' })
  }
  expect(Object.keys(document.operations).length).toBe(2 * Object.keys(document.channels).length)
})

test('only the status is retained', () => {
  const retained = Object.entries<Node>(document.operations).filter(
    ([, { bindings }]) => resolveIn(bindings, 'mqtt', 'retain') === true,
  )
  expect(retained.map(([name]) => name)).toEqual(['box-sends-status'])
})

test('every message is CBOR with a schema of named properties, and every byte string says that it is one', () => {
  for (const message of Object.values<Node>(document.components.messages)) {
    expect(message['contentType']).toBe('application/cbor')
    expect(resolve(String(resolveIn(message, 'payload', '$ref')))).toMatchObject({
      type: 'object',
      additionalProperties: false,
    })
  }
  const untyped = nodes(document.components.schemas).filter(([path, node]) => {
    const isProperty = path.split('/').at(-2) === 'properties'
    return isProperty && !('type' in node || 'enum' in node || 'anyOf' in node || node['x-cbor'] === 'bytes')
  })
  expect(untyped.map(([path]) => path)).toEqual([])
  expect(document.components.schemas.Batch.properties.signature).toMatchObject({
    'x-cbor': 'bytes',
    'x-bytes-min': 64,
    'x-bytes-max': 64,
  })
})

test('the connection is mutual TLS', () => {
  expect(document.servers.broker).toMatchObject({
    protocol: 'mqtts',
    security: [{ $ref: '#/components/securitySchemes/mutualTls' }],
  })
  expect(document.components.securitySchemes.mutualTls.type).toBe('X509')
})
