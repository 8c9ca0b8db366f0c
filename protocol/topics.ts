import { isBoxId } from './names.ts'

/**
 * Every topic, in one place. An access list can be written from the certificate's name alone: a box
 * publishes only under its own `up/`, reads only its own `down/`. No personal data in a topic, and
 * nothing but the status is retained.
 */
const ROOT = 'chuangping/v1'

export const UP_KINDS = ['batch', 'status'] as const
export type UpKind = (typeof UP_KINDS)[number]
export const DOWN_KINDS = ['receipt', 'prompt', 'time'] as const
export type DownKind = (typeof DOWN_KINDS)[number]

/** Where a box publishes. Throws when `box` is not a box id, as all of these do. */
export const upTopic = (box: string, kind: UpKind) => topic(box, 'up', kind)
/** Where a box listens. */
export const downTopic = (box: string, kind: DownKind) => topic(box, 'down', kind)

/** What the collector subscribes to: one kind from every box. */
export const upTopicOfAll = (kind: UpKind) => `${ROOT}/+/up/${kind}`

/** The access rules as MQTT topic filters, `name` being the certificate's common name. */
export const upFilter = (name: string) => topic(name, 'up', '#')
export const downFilter = (name: string) => topic(name, 'down', '#')

/** Which box sent what; undefined when the topic is not exactly one of ours. */
export function parseUpTopic(topicName: string): { box: string; kind: UpKind } | undefined {
  return parse(topicName, 'up', UP_KINDS)
}

/** What the collector sent to which box; undefined when the topic is not exactly one of ours. */
export function parseDownTopic(topicName: string): { box: string; kind: DownKind } | undefined {
  return parse(topicName, 'down', DOWN_KINDS)
}

// A name with a slash or a wildcard in it would reach into other boxes' topics.
function topic(box: string, direction: 'up' | 'down', rest: string): string {
  if (!isBoxId(box)) throw new Error('a name that is no box id cannot stand in a topic')
  return `${ROOT}/${box}/${direction}/${rest}`
}

function parse<K extends string>(topicName: string, direction: 'up' | 'down', kinds: readonly K[]) {
  const [app, version, box = '', found, kind, ...rest] = topicName.split('/')
  if (`${app}/${version}` !== ROOT || found !== direction || !isBoxId(box) || rest.length > 0) return undefined
  const known = kinds.find(name => name === kind)
  return known && { box, kind: known }
}
