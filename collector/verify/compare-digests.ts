import { COLLECTOR_NAME } from '#protocol/reserved.ts'
import type { SaidDigests } from './chain-check.ts'
import type { VerifyFault } from './fault.ts'
import { hexOf, latin1 } from './own-words.ts'
import type { DueDigest } from './verify-ledger.ts'

export interface DigestDeps {
  report(fault: VerifyFault): void
  /** Checks each signature of a hall in a range, names what does not hold, and says whether anything was named. */
  checkSingly(hall: string, from: number, to: number): boolean
}

/** Compares what a day came to with the digests written after it. */
export function compareDigests(
  due: readonly DueDigest[],
  said: SaidDigests | undefined,
  at: { position: number },
  deps: DigestDeps,
): void {
  const written = new Map(said?.bodies.map(item => [item.body.hall, item]))
  for (const sum of due) {
    const item = written.get(sum.hall)
    written.delete(sum.hall)
    if (!item || !said) {
      const detail = `the digest of hall ${sum.hall} for ${sum.day} is not where that day ends`
      deps.report({ code: 'digest-missing', table: 'evidence', position: at.position, box: COLLECTOR_NAME, detail })
      continue
    }
    if (isAs(sum, item.body) || sum.isDirty) continue
    // The digest was right when it was made: some row is not as it was. The signatures may tell which.
    if (deps.checkSingly(sum.hall, sum.from, sum.to)) continue
    deps.report({
      ...placeIn(said, item),
      detail: `the rows of hall ${sum.hall} for ${sum.day} are not those the digest was made over, though every signature holds`,
    })
  }
  for (const item of said ? written.values() : []) {
    const detail = `a digest of hall ${item.body.hall} for ${item.body.day}, which brought nothing`
    deps.report({ ...placeIn(said!, item), detail })
  }
}

function isAs(sum: DueDigest, body: SaidDigests['bodies'][number]['body']): boolean {
  return (
    sum.day === body.day &&
    sum.entries === body.entries &&
    sum.root === latin1(body.root) &&
    sum.batches === latin1(body.batches)
  )
}

function placeIn({ epoch }: SaidDigests, { seq, position }: { seq: number; position: number }) {
  return { code: 'digest-differs', table: 'evidence', position, box: COLLECTOR_NAME, epoch: hexOf(epoch), seq } as const
}
