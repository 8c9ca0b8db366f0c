import { BATCH_BYTES_MAX } from '#protocol/batch.ts'
import { COLLECTOR_NAME, isBoxId } from '#protocol/names.ts'
import {
  DOWN_KINDS,
  downFilter,
  parseDownTopic,
  parseUpTopic,
  UP_KINDS,
  upFilter,
  upTopicOfAll,
} from '#protocol/topics.ts'

/** The largest payload anybody may publish: a full batch and a little. */
export const MESSAGE_BYTES_MAX = BATCH_BYTES_MAX + 1024

/** A packet's fixed header, topic and id come on top of its payload. */
export const PACKET_BYTES_MAX = MESSAGE_BYTES_MAX + 1024

export interface Publication {
  topic: string
  qos: number
  retain: boolean
  payloadBytes: number
}

/** Whether a certificate's common name may connect at all. */
export function mayConnect(name: string, clientId: string): boolean {
  // The client id is the name, or a box could take over another's connection.
  return isBoxId(name) && clientId === name
}

/** Why `name` may not publish this; undefined when it may. */
export function publishRefusal(name: string, publication: Publication): string | undefined {
  const { topic, qos, retain, payloadBytes } = publication
  const sent = name === COLLECTOR_NAME ? parseDownTopic(topic) : ownUp(name, topic)
  if (!sent) return 'foreign-topic'
  if (retain && sent.kind !== 'status') return 'retain-not-allowed'
  if (qos > 1) return 'qos-not-allowed'
  return payloadBytes > MESSAGE_BYTES_MAX ? 'too-big' : undefined
}

/** Whether `name` may subscribe to this filter. */
export function maySubscribe(name: string, filter: string): boolean {
  if (name === COLLECTOR_NAME) return UP_KINDS.some(kind => filter === upTopicOfAll(kind))
  return filter === downFilter(name) || DOWN_KINDS.some(kind => filter === downFilter(name).replace('#', kind))
}

function ownUp(name: string, topic: string) {
  const sent = parseUpTopic(topic)
  return sent?.box === name ? sent : undefined
}

/** A name that stands for every box in the patterns below, and is no box's own. */
const ANY = 'any-box'

/** The same rules for Mosquitto, by its `%u`: the user name, which is the certificate's common name. */
export function mosquittoAcl(): string {
  const toAll = (filter: string, placeholder: string) => filter.replace(`/${ANY}/`, `/${placeholder}/`)
  return `# 由 chuangping collector mosquitto-config 生成 / made by chuangping collector mosquitto-config
pattern write ${toAll(upFilter(ANY), '%u')}
pattern read ${toAll(downFilter(ANY), '%u')}

user ${COLLECTOR_NAME}
topic read ${toAll(upFilter(ANY), '+')}
topic write ${toAll(downFilter(ANY), '+')}
`
}

export interface MosquittoFiles {
  host?: string
  port: number
  ca: string
  cert: string
  key: string
  acl: string
  /** List of revoked certificates, which must be there before the broker starts. */
  crl?: string
}

const crlLines = (file: string) =>
  `# 吊销名单；更新后发 SIGHUP 重新读取 / revoked certificates; after a change send it SIGHUP\ncrlfile ${file}\n`

/** A configuration for Mosquitto 2 under which it keeps the access rules of this file. */
export function mosquittoConfiguration(files: MosquittoFiles): string {
  return `# 由 chuangping collector mosquitto-config 生成 / made by chuangping collector mosquitto-config
listener ${files.port}${files.host ? ` ${files.host}` : ''}
cafile ${files.ca}
certfile ${files.cert}
keyfile ${files.key}
${files.crl ? crlLines(files.crl) : ''}tls_version tlsv1.2
require_certificate true
# 身份只看证书 / the certificate alone says who it is
use_identity_as_username true
use_username_as_clientid true
allow_anonymous false
acl_file ${files.acl}
# 不合并小包，否则回执会晚到 / small packets go at once, or receipts come late
set_tcp_nodelay true
# 超过一批大小的报文直接断开 / who announces more than a batch is cut off
max_packet_size ${PACKET_BYTES_MAX}
max_inflight_messages 0
max_queued_messages 10000
# 可靠性由盒子的日志链和回执保证，不靠消息服务 / journals and receipts keep ratings, not the broker
persistence false
`
}
