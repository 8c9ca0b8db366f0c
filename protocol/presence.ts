import Type from 'typebox'
import { createWireForm } from './codec.ts'
import { CodeSchema, CountSchema, Printable, WindowIdSchema } from './names.ts'

/** A box's status: retained, and its last will says `online: false`. */
export const PresenceSchema = Type.Object(
  {
    version: Type.Literal(1),
    online: Type.Boolean(),
    agent: Printable(40, { title: 'Agent version' }),
    backlog: CountSchema('Entries the box holds without a receipt'),
    windows: Type.Array(Type.Object({ window: WindowIdSchema, pad: CodeSchema }, { additionalProperties: false }), {
      maxItems: 32,
    }),
  },
  { additionalProperties: false, title: '状态 Presence' },
)
export type Presence = Type.Static<typeof PresenceSchema>

const wireForm = createWireForm('status', PresenceSchema)
export const encodePresence = wireForm.encode
export const decodePresence = wireForm.decode
