import Type from 'typebox'
import { DurationSchema, durationMs } from './duration.ts'

/** How often a lost connection to the broker is tried again, and how soon a dead one is noticed. */
export interface LinkTiming {
  /** Wait before the first new attempt; each one after it waits twice as long, up to the maximum. */
  retryMsMin: number
  retryMsMax: number
  /** A connection on which nothing comes back for half as long again is given up. */
  keepaliveMs: number
  /** How long one attempt may take, from the first packet to the broker's welcome. */
  connectMs: number
}

/** The settings behind `LinkTiming`, the same for box and collector but for what is usual. */
export function linkProperties(usual: { reconnect: string; reconnectMax: string }) {
  return {
    reconnect: DurationSchema({
      title: '首次重连等待 Wait before the first new attempt',
      description: 'Each attempt after it waits twice as long; half of every wait is random.',
      default: usual.reconnect,
    }),
    reconnectMax: DurationSchema({ title: '最长重连等待 Longest wait between attempts', default: usual.reconnectMax }),
    keepalive: DurationSchema({
      title: '心跳间隔 Keep-alive interval',
      description: 'Whole seconds. A dead connection is noticed after one and a half of it.',
      default: '30s',
    }),
    connectTimeout: DurationSchema({ title: '单次连接时限 How long one attempt may take', default: '10s' }),
  }
}

export function linkTiming(settings: Type.Static<ReturnType<typeof LinkSchema>>): LinkTiming {
  return {
    retryMsMin: durationMs(settings.reconnect),
    retryMsMax: durationMs(settings.reconnectMax),
    keepaliveMs: durationMs(settings.keepalive),
    connectMs: durationMs(settings.connectTimeout),
  }
}

export const LinkSchema = (usual: Parameters<typeof linkProperties>[0]) =>
  Type.Object(linkProperties(usual), { additionalProperties: false, default: {} })
