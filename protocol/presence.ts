import Type from 'typebox'
import { createWireForm } from './codec.ts'
import { CodeSchema, CountSchema, EpochSchema, Printable, TimeQuestionSchema, WindowIdSchema } from './names.ts'

/** A box's status: retained, and its last will says `online: false`. */
export const PresenceSchema = Type.Object(
  {
    version: Type.Literal(1),
    online: Type.Boolean(),
    agent: Printable(40, { title: 'Agent version' }),
    /**
     * Up to which entry of its present epoch the box has receipts. A collector that has less, because it comes
     * from a backup, says so by a receipt for what it has, and the box sends the rest again.
     */
    receipted: Type.Optional(
      Type.Object(
        { epoch: EpochSchema, seq: CountSchema('Number of the entry; 0 when there is none') },
        { additionalProperties: false },
      ),
    ),
    /** Asks what time it is: a random number that the collector signs together with its time. */
    question: Type.Optional(TimeQuestionSchema),
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
