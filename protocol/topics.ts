/**
 * Every topic, in one place. An access list can be written from the certificate's name alone: a box
 * publishes only under its own `up/`, reads only its own `down/`. No personal data in a topic, and
 * nothing but the status is retained.
 */
const ROOT = 'chuangping/v1'

export const UP_KINDS = ['batch', 'status'] as const
export type UpKind = (typeof UP_KINDS)[number]
export const DOWN_KINDS = ['receipt', 'prompt'] as const
export type DownKind = (typeof DOWN_KINDS)[number]

export const upTopic = (box: string, kind: UpKind) => `${ROOT}/${box}/up/${kind}`
export const downTopic = (box: string, kind: DownKind) => `${ROOT}/${box}/down/${kind}`

/** What the collector subscribes to: one kind from every box. */
export const upTopicOfAll = (kind: UpKind) => upTopic('+', kind)

/** The access rules as MQTT topic filters, `name` being the certificate's common name. */
export const upFilter = (name: string) => `${ROOT}/${name}/up/#`
export const downFilter = (name: string) => `${ROOT}/${name}/down/#`

/** Which box sent what; undefined when the topic is not one of ours. */
export function parseUpTopic(topic: string): { box: string; kind: UpKind } | undefined {
  const [app, version, box, direction, kind, ...rest] = topic.split('/')
  if (`${app}/${version}` !== ROOT || direction !== 'up' || !box || rest.length > 0) return undefined
  const known = UP_KINDS.find(name => name === kind)
  return known && { box, kind: known }
}
