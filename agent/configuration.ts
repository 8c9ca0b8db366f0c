import Type from 'typebox'
import { WindowIdSchema } from '#protocol/names.ts'
import { DurationSchema } from '#runtime/duration.ts'
import { linkProperties } from '#runtime/link-settings.ts'
import { SizeSchema } from '#runtime/size.ts'

const strict = { additionalProperties: false } as const

const padProperties = {
  profile: Type.String({ title: '评价器型号 Pad profile', pattern: '^[a-z0-9][a-z0-9-]{0,63}$' }),
  port: Type.Optional(
    Type.String({
      title: '串口 Serial port',
      description:
        'Prefer a name under /dev/serial/by-path: it names the socket, and stays. Left out, the one adapter of the ' +
        'kind that the profile knows is taken; with two of them none is.',
      pattern: '^/',
    }),
  ),
  site: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      title: '现场参数 Site overrides',
      description: "Only what the profile's own list allows, for instance address or baud.",
    }),
  ),
}

/** Settings of one box. Types, defaults, ranges and meanings live here and nowhere else. */
export const AgentConfigurationSchema = Type.Object(
  {
    identity: Type.String({
      title: '身份文件夹 Identity folder',
      description: 'Holds enrolment.yaml, box.key, box.crt and ca.crt. Relative to this file.',
      default: 'identity',
    }),
    journal: Type.String({
      title: '日志链文件夹 Journal folder',
      description: 'Where ratings are written before anybody is thanked. Relative to this file.',
      default: 'journal',
    }),
    profiles: Type.String({
      title: '评价器型号文件夹 Device profiles folder',
      description: 'One folder per pad model. Empty: those that come with the program.',
      default: '',
    }),
    windows: Type.Array(
      Type.Object(
        {
          window: WindowIdSchema,
          ...padProperties,
          outputs: Type.Array(Type.Object({ ...padProperties }, strict), {
            title: '附加输出 Outputs beside the pad',
            description: 'Voice modules and screens on ports of their own. What fails there never stops the pad.',
            maxItems: 4,
            default: [],
          }),
        },
        strict,
      ),
      { title: '窗口 Windows', minItems: 1, maxItems: 32 },
    ),
    session: Type.Object(
      {
        ask: DurationSchema({ title: '邀评时长 How long the pad asks', default: '60s' }),
        undo: DurationSchema({ title: '改评时长 How long a second press replaces the first', default: '3s' }),
      },
      { ...strict, default: {} },
    ),
    storage: Type.Object(
      {
        keepReceipted: DurationSchema({
          title: '已获回执条目保留时长 How long receipted entries are kept',
          description: 'By the time of the collector. One restored from a backup gets back what is kept here.',
          default: '90d',
        }),
        entriesMax: SizeSchema({
          title: '条目最大占用 What entries may take',
          description: 'Beyond it the oldest receipted ones go sooner. Entries without a receipt are never removed.',
          default: '256MiB',
        }),
        ballast: SizeSchema({
          title: '预留空间 Room held back',
          description: 'A file that is given up when the disk is full, so that an open prompt can be finished.',
          default: '8MiB',
        }),
      },
      { ...strict, default: {} },
    ),
    link: Type.Object(
      {
        ...linkProperties({ reconnect: '1s', reconnectMax: '60s' }),
        resend: DurationSchema({
          title: '无回执重发 Wait for a receipt before sending again',
          description: 'Doubles up to resendMax, and starts anew with each receipt.',
          default: '5s',
        }),
        resendMax: DurationSchema({ title: '最长重发等待 Longest wait before sending again', default: '5min' }),
      },
      { ...strict, default: {} },
    ),
    panel: Type.Object(
      {
        host: Type.String({
          title: '监听地址 Address',
          description: 'Loopback unless clerks use another computer; those must be paired.',
          default: '127.0.0.1',
        }),
        port: Type.Integer({
          title: '端口 Port',
          description: '0 takes a free one.',
          minimum: 0,
          maximum: 65535,
          default: 8610,
        }),
        allowedOrigins: Type.Array(Type.String({ pattern: '^https?://[^/]+$' }), {
          title: '允许的网页来源 Web origins',
          description: 'Origins of business systems whose pages may ask for a rating.',
          default: [],
        }),
      },
      { ...strict, default: {} },
    ),
    logLevel: Type.Enum(['debug', 'info', 'warn', 'error', 'silent'], { title: '日志级别 Log level', default: 'info' }),
  },
  { ...strict, title: '盒子配置 Box configuration' },
)
export type AgentConfiguration = Type.Static<typeof AgentConfigurationSchema>

export const AGENT_ENVIRONMENT_PREFIX = 'CHUANGPING_AGENT'
