import Type from 'typebox'
import { createWireForm } from './codec.ts'
import {
  BoxIdSchema,
  Bytes,
  BytesBetween,
  CaseNumberSchema,
  CertificateSerialSchema,
  ClerkIdSchema,
  CodeSchema,
  CountSchema,
  DaySchema,
  EpochSchema,
  HallIdSchema,
  HashSchema,
  HolderSchema,
  InstantMsSchema,
  ItemSchema,
  NoteSchema,
  Printable,
  PromptIdSchema,
  SeqSchema,
  ServiceNumberSchema,
  WindowIdSchema,
} from './names.ts'
import { rule } from './rules.ts'

/**
 * An entry (条目) is one immutable record. Its bytes are the deterministic CBOR of `{ kind, time, body }`,
 * written once at capture and never encoded again by anybody: stored, hashed, sent and kept as they are.
 * Box, epoch, seq and the previous hash are not in these bytes but in the hash (see chain.ts).
 */

const strict = { additionalProperties: false } as const

/** When the entry was made, as far as its maker could know. Nothing ever rewrites it; the collector resolves it. */
export const EntryTimeSchema = Type.Object(
  {
    boot: Bytes(16, 'Boot id'),
    mono: CountSchema('Milliseconds since boot'),
    wall: InstantMsSchema,
    synced: Type.Boolean({ title: 'Whether the wall clock had been set from a time source' }),
  },
  strict,
)
export type EntryTime = Type.Static<typeof EntryTimeSchema>

/** What only the collector's opening key can read (see sealing.ts). */
export const SealedSchema = Type.Object(
  {
    key: Bytes(8, 'Id of the opening key: the first 8 bytes of SHA-256 over its public key'),
    enc: Bytes(32, 'HPKE encapsulated key (X25519)'),
    text: BytesBetween(17, 4096, 'HPKE ciphertext of the padded rating'),
  },
  strict,
)
export type Sealed = Type.Static<typeof SealedSchema>

export const ServiceRefSchema = Type.Object({ case: CaseNumberSchema, service: ServiceNumberSchema }, strict)
export type ServiceRef = Type.Static<typeof ServiceRefSchema>

export const PROMPT_ORIGINS = ['panel', 'scanner', 'api', 'command', 'collector'] as const
export type PromptOrigin = (typeof PROMPT_ORIGINS)[number]

/** Why entries of a box will be missing for ever: given up by the collector, or explained later by a person. */
export const GAP_REASONS = ['not-sent', 'explained'] as const

/** What evidence shows of a box that an honest, whole box never does. */
export const FINDING_CODES = ['forked', 'epoch-overlap', 'unexplained-end'] as const
export type FindingCode = (typeof FINDING_CODES)[number]

export const CANCEL_REASONS = ['wrong-case', 'citizen-left', 'training', 'replaced', 'restarted', 'other'] as const
export type CancelReason = (typeof CANCEL_REASONS)[number]

/** Why a journal began: the first ever, or what ended the one before it. */
const OriginSchema = Type.Object(
  {
    reason: Type.Enum(['first', 'quarantined', 'replaced', 're-enrolled']),
    epoch: Type.Optional(EpochSchema),
    seq: Type.Optional(SeqSchema),
    hash: Type.Optional(HashSchema),
  },
  strict,
)

const SpkiSchema = BytesBetween(59, 200, 'SubjectPublicKeyInfo, DER')

const BODIES = {
  /** The agent started. The first entry of an epoch carries `origin`. */
  boot: Type.Object({ agent: Printable(40, { title: 'Agent version' }), origin: Type.Optional(OriginSchema) }, strict),
  /** What drives a window from here on. */
  config: Type.Object(
    {
      window: WindowIdSchema,
      profile: Printable(64),
      version: Printable(20),
      hash: HashSchema,
    },
    strict,
  ),
  /** A pad's state changed: fault, recovery, self-test. */
  pad: Type.Object({ window: WindowIdSchema, state: CodeSchema, reason: Type.Optional(CodeSchema) }, strict),
  /** 邀评: a request to rate was opened. */
  prompt: Type.Object(
    {
      prompt: PromptIdSchema,
      window: WindowIdSchema,
      origin: Type.Enum([...PROMPT_ORIGINS]),
      for: Type.Optional(ServiceRefSchema),
      clerk: Type.Optional(ClerkIdSchema),
    },
    strict,
  ),
  /** The citizen's press; at the same time the outcome `rated` of its prompt. */
  rating: Type.Object(
    { prompt: PromptIdSchema, provenance: Type.Enum(['pad', 'screen']), sealed: SealedSchema },
    strict,
  ),
  /** The citizen changed the press inside the undo window; the first stays too. */
  correction: Type.Object(
    { prompt: PromptIdSchema, provenance: Type.Enum(['pad', 'screen']), sealed: SealedSchema },
    strict,
  ),
  /** Every end of a prompt but `rated`. To cancel is somebody's act, so it says why. */
  outcome: Type.Refine(
    Type.Object(
      {
        prompt: PromptIdSchema,
        outcome: Type.Enum(['declined', 'timed-out', 'cancelled', 'pad-unavailable']),
        reason: Type.Optional(CodeSchema),
        note: Type.Optional(NoteSchema),
      },
      strict,
    ),
    rule('cancelled-with-reason'),
    () => 'must have a reason when the outcome is cancelled',
  ),
  /** True time learnt from a signed source: for this boot, `mono` was `truth` ± `error`. */
  anchor: Type.Object(
    {
      truth: InstantMsSchema,
      errorMs: CountSchema('Bound of the error, ms'),
      source: Type.Enum(['receipt', 'session']),
    },
    strict,
  ),
  /** Collector's chain: a box was enrolled with this public key (SubjectPublicKeyInfo), into this hall. */
  enrolment: Type.Object({ box: BoxIdSchema, key: SpkiSchema, hall: Type.Optional(HallIdSchema) }, strict),
  /** Collector's chain: a business system registered a service (办件 + 第 n 次服务). */
  case: Type.Object(
    {
      case: CaseNumberSchema,
      service: ServiceNumberSchema,
      source: HolderSchema,
      item: Type.Optional(ItemSchema),
      window: Type.Optional(WindowIdSchema),
      clerk: Type.Optional(ClerkIdSchema),
      servedAt: Type.Optional(InstantMsSchema),
    },
    strict,
  ),
  /** Collector's chain: what follows was taken although `from` to `to` never came; `previous` is what it hangs on. */
  gap: Type.Object(
    {
      box: BoxIdSchema,
      epoch: EpochSchema,
      from: SeqSchema,
      to: SeqSchema,
      previous: HashSchema,
      reason: Type.Enum([...GAP_REASONS]),
      by: Type.Optional(HolderSchema),
      note: Type.Optional(NoteSchema),
    },
    strict,
  ),
  /** Collector's chain: a box's entries contradict each other, or an epoch ended and nothing says why. */
  finding: Type.Object(
    { box: BoxIdSchema, code: Type.Enum([...FINDING_CODES]), epoch: EpochSchema, seq: SeqSchema, hash: HashSchema },
    strict,
  ),
  /** Collector's chain: somebody tried to change what is fixed, and was refused. */
  refused: Type.Object({ what: CodeSchema, by: Printable(80), code: CodeSchema }, strict),
  /** Collector's chain: this certificate of a box, and its key where that is known, are good for nothing from here on. */
  revocation: Type.Object(
    {
      box: BoxIdSchema,
      serial: CertificateSerialSchema,
      key: Type.Optional(SpkiSchema),
      reason: NoteSchema,
      at: InstantMsSchema,
    },
    strict,
  ),
  /** Collector's chain: a person takes a batch that came after its box was revoked; its SHA-256 names it. */
  acceptance: Type.Object(
    {
      box: BoxIdSchema,
      batch: HashSchema,
      epoch: EpochSchema,
      first: SeqSchema,
      last: SeqSchema,
      by: HolderSchema,
      reason: NoteSchema,
    },
    strict,
  ),
  /** Collector's chain: what a finished day brought of one hall (see digest.ts). */
  digest: Type.Object(
    {
      hall: HallIdSchema,
      day: DaySchema,
      entries: CountSchema('Entries of that hall and day'),
      root: HashSchema,
      batches: HashSchema,
    },
    strict,
  ),
  /** Collector's chain: a batch was refused and set aside; `times` is how often it has come by then. */
  quarantined: Type.Object(
    {
      box: BoxIdSchema,
      sha256: HashSchema,
      code: CodeSchema,
      detail: Printable(300),
      size: CountSchema('Bytes'),
      times: CountSchema('How often it has come'),
    },
    strict,
  ),
} as const

type Bodies = { [K in keyof typeof BODIES]: Type.Static<(typeof BODIES)[K]> }
export type EntryKind = keyof Bodies
export type EntryBody<K extends EntryKind> = Bodies[K]
export type Entry = { [K in EntryKind]: { kind: K; time: EntryTime; body: Bodies[K] } }[EntryKind]
export type EntryOf<K extends EntryKind> = Extract<Entry, { kind: K }>

export const ENTRY_KINDS = Object.keys(BODIES) as EntryKind[]

/** The kinds a box may write; the others belong to the collector's own chain. */
export const BOX_KINDS: readonly EntryKind[] = [
  'boot',
  'config',
  'pad',
  'prompt',
  'rating',
  'correction',
  'outcome',
  'anchor',
]

export const EntrySchema = Type.Unsafe<Entry>(
  Type.Union(
    ENTRY_KINDS.map(kind =>
      Type.Object({ kind: Type.Literal(kind), time: EntryTimeSchema, body: BODIES[kind] }, { ...strict, title: kind }),
    ),
    { title: '条目 Entry' },
  ),
)

const wireForm = createWireForm('entry', EntrySchema)

/** The exact bytes of a new entry. Called once per entry, at capture. */
export const encodeEntry = wireForm.encode
export const decodeEntry = wireForm.decode
