/** What goes through the outage script: this, and what a user would otherwise pick. */
export const PEER_NAMES = ['chuangping', 'plain-agent', 'mosquitto-bridge', 'node-red'] as const
export type PeerName = (typeof PEER_NAMES)[number]
