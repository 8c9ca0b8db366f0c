import type { Kysely } from 'kysely'
import type { BoxView } from '#collector/schemas.ts'
import type { BoxKeyRow, BoxRow, EpochRow, FindingRow, Tables } from '#collector/store/tables.ts'
import { toHex } from '#protocol/codec.ts'
import type { BoxState, Fleet } from './fleet.ts'

type Db = Kysely<Tables>

/** What is known of boxes besides the store. */
export interface FleetView extends Pick<Fleet, 'all' | 'get'> {
  stalledSinceMs(box: string): number | undefined
}

const EPOCHS_MAX = 20

/** Every box that is enrolled, has written, or has said it is there. */
export async function listBoxes(db: Db, fleet: FleetView): Promise<BoxView[]> {
  const stored = await readStored(db)
  const states = new Map(fleet.all().map(state => [state.box, state]))
  const names = [...new Set([...stored.boxes, ...states.keys()])].sort()
  return names.map(box => viewBox(box, stored, states.get(box), fleet.stalledSinceMs(box)))
}

export async function findBox(db: Db, fleet: FleetView, box: string): Promise<BoxView> {
  return viewBox(box, await readStored(db, box), fleet.get(box), fleet.stalledSinceMs(box))
}

interface Stored {
  boxes: Set<string>
  rows: Map<string, BoxRow>
  keys: Map<string, BoxKeyRow[]>
  epochs: Map<string, EpochRow[]>
  findings: Map<string, FindingRow[]>
}

async function readStored(db: Db, box?: string): Promise<Stored> {
  const read = async <T extends 'boxes' | 'box_keys' | 'epochs' | 'findings'>(table: T): Promise<Tables[T][]> => {
    // All four have the column, which the types of a query over any one of them do not say.
    const query = db.selectFrom(table as 'boxes').selectAll()
    const rows = await (box === undefined ? query : query.where('box', '=', box)).execute()
    return rows as unknown as Tables[T][]
  }
  const byPosition = (a: { position: number }, b: { position: number }) => a.position - b.position
  const rows = new Map((await read('boxes')).map(row => [row.box, row]))
  const keys = Map.groupBy((await read('box_keys')).sort(byPosition), row => row.box)
  const epochs = Map.groupBy((await read('epochs')).sort(byPosition), row => row.box)
  const findings = Map.groupBy((await read('findings')).sort(byPosition), row => row.box)
  return { boxes: new Set([...rows.keys(), ...keys.keys()]), rows, keys, epochs, findings }
}

function viewBox(
  box: string,
  stored: Stored,
  state: BoxState | undefined,
  stalledSinceMs: number | undefined,
): BoxView {
  const row = stored.rows.get(box)
  const seen = [row?.received_at, state?.lastSeenMs].filter(ms => typeof ms === 'number')
  return {
    box,
    enrolled: Boolean(row?.key),
    online: state?.online ?? false,
    agent: state?.agent ?? row?.agent ?? null,
    backlog: state?.backlog ?? null,
    windows: state?.windows ?? [],
    lastSeenMs: seen.length > 0 ? Math.max(...seen) : null,
    committed: row?.epoch && row.seq !== null ? { epoch: toHex(row.epoch), seq: row.seq } : null,
    stalledSinceMs: stalledSinceMs ?? null,
    revoked: viewRevocation(stored.keys.get(box) ?? []),
    findings: (stored.findings.get(box) ?? []).map(({ code, epoch, seq, at }) => ({
      code,
      epoch: toHex(epoch),
      seq,
      atMs: at,
    })),
    epochs: (stored.epochs.get(box) ?? []).slice(-EPOCHS_MAX).reverse().map(viewEpoch),
  }
}

/** The box's latest key decides: with a new certificate it is in service again. */
function viewRevocation(keys: readonly BoxKeyRow[]): BoxView['revoked'] {
  const latest = keys.findLast(row => row.key !== null) ?? keys.at(-1)
  if (!latest || latest.revoked_at === null) return null
  return { atMs: latest.revoked_at, serial: latest.serial!, reason: latest.reason! }
}

function viewEpoch(row: EpochRow): BoxView['epochs'][number] {
  return {
    epoch: toHex(row.epoch),
    first: row.first_seq,
    last: row.last_seq,
    beganAtMs: row.began_at,
    reason: row.reason,
    origin: row.origin,
    missing: row.missing,
  }
}
