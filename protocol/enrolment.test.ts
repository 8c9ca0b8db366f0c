import { Compile } from 'typebox/compile'
import { describe, expect, test } from 'vitest'
import { openingKeys, signingKeys } from '#test/helpers/test-keys.ts'
import { EnrolmentSchema } from './enrolment.ts'

const schema = Compile(EnrolmentSchema)
const pem = (keys: ReturnType<typeof openingKeys>) => keys.publicKey.export({ format: 'pem', type: 'spki' }) as string
const GOOD = {
  box: 'box-1',
  broker: 'mqtts://broker.example:8883',
  collector: { signingKey: pem(signingKeys()), openingKey: pem(openingKeys()) },
}

test.each(['mqtts://10.1.2.3:8883', 'mqtts://[2001:db8::1]:8883', 'mqtts://a-b.example:1'])(
  'a broker at %s is taken',
  broker => {
    expect(schema.Check({ ...GOOD, broker })).toBe(true)
  },
)

describe('an enrolment is refused with', () => {
  test.each<[string, object]>([
    ['a broker without TLS', { broker: 'mqtt://broker.example:1883' }],
    ['a broker with a password in its address', { broker: 'mqtts://user:secret@broker.example:8883' }],
    ['a broker without a port', { broker: 'mqtts://broker.example' }],
    ['a box id that is none', { box: 'Box 1' }],
    ['a key that is none', { collector: { ...GOOD.collector, signingKey: 'x' } }],
    [
      'a private key',
      {
        collector: { ...GOOD.collector, signingKey: signingKeys().privateKey.export({ format: 'pem', type: 'pkcs8' }) },
      },
    ],
    ['something more', { extra: 1 }],
  ])('%s', (_, changes) => {
    expect(schema.Check(GOOD)).toBe(true)
    expect(schema.Check({ ...GOOD, ...changes })).toBe(false)
  })
})
