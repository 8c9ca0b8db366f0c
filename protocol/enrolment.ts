import Type from 'typebox'
import { BoxIdSchema } from './names.ts'

const publicKeyPem = (title: string) =>
  Type.String({
    title,
    description: 'SubjectPublicKeyInfo as PEM.',
    pattern: '^-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]+\n-----END PUBLIC KEY-----\n?$',
  })

/**
 * What a box knows since its enrolment, in `enrolment.yaml` beside its key and certificate: who it is,
 * where the broker is, and the two public keys of the collector it believes and seals to.
 */
export const EnrolmentSchema = Type.Object(
  {
    box: BoxIdSchema,
    broker: Type.String({
      title: '消息服务地址 Broker address',
      description: 'mqtts://host:port. The certificate of the broker must carry this host.',
      pattern: '^mqtts://([A-Za-z0-9.-]+|\\[[0-9A-Fa-f:]+\\]):[0-9]{1,5}$',
    }),
    collector: Type.Object(
      {
        signingKey: publicKeyPem('回执签名公钥 Key that signs receipts (P-256)'),
        openingKey: publicKeyPem('评价封存公钥 Key that ratings are sealed to (X25519)'),
      },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false, title: '登记 Enrolment' },
)
export type Enrolment = Type.Static<typeof EnrolmentSchema>
