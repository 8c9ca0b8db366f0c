/** What a user would otherwise pick. */
export const PEER_NAMES = ['plain-agent', 'mosquitto-bridge', 'node-red'] as const
export type PeerName = (typeof PEER_NAMES)[number]
