/** What goes through the outage script: this, and what a user would otherwise pick. */
export const PEER_NAMES = [
  'chuangping',
  'plain-agent',
  'mosquitto-bridge-qos1',
  'mosquitto-bridge-qos2',
  'node-red',
] as const
export type PeerName = (typeof PEER_NAMES)[number]
