import type { ParcelAnswer } from './import-client.ts'
import type { Terminal } from './terminal.ts'

/** What became of one file. */
export type Imported = { file: string } & (
  | { ok: true; answer: ParcelAnswer }
  | { ok: false; answer?: ParcelAnswer; problem: { code: string; detail: string } }
)

const REFUSED_SHOWN = 5

/** What a file brought, and what of it was not taken. */
export function describeImported(one: Imported, { say }: Terminal): string[] {
  const { file, answer } = one
  const lines = [
    answer
      ? say({
          zh: `${file}：新入库 ${answer.entries.new} 条，早已入库 ${answer.entries.known} 条`,
          en: `${file}: ${answer.entries.new} new entries, ${answer.entries.known} known before`,
        })
      : file,
  ]
  for (const { box, epoch, committed, missing } of answer?.chains ?? []) {
    const chain = `  ${box} ${epoch.slice(0, 8)}…`
    lines.push(
      missing
        ? say({
            zh: `${chain} 到第 ${committed} 条；缺第 ${missing.from}–${missing.to} 条，其后的未收：先导入带有它们的摆渡包；盒子确已丢失它们时用 --give-up-missing`,
            en: `${chain} up to ${committed}; ${missing.from}–${missing.to} are missing, what is behind was not taken: import the parcel that has them first, or, where the box has lost them, use --give-up-missing`,
          })
        : say({ zh: `${chain} 到第 ${committed} 条`, en: `${chain} up to ${committed}` }),
    )
  }
  for (const { box, first, last, code, detail } of answer?.refused.slice(0, REFUSED_SHOWN) ?? []) {
    lines.push(
      say({
        zh: `  ${box} 第 ${first}–${last} 条未收，已隔离 ${code}：${detail}`,
        en: `  ${box} ${first}–${last} not taken, set aside, ${code}: ${detail}`,
      }),
    )
  }
  const more = (answer?.refused.length ?? 0) - REFUSED_SHOWN
  if (more > 0) lines.push(say({ zh: `  另有 ${more} 批未收`, en: `  and ${more} more batches` }))
  const stop = answer ? answer.fault : one.ok ? undefined : one.problem
  if (stop) {
    const what = say(answer ? { zh: '没有读完', en: 'read no further' } : { zh: '没有收下', en: 'not taken' })
    lines.push(`  ${what} ${stop.code}: ${stop.detail}`)
  }
  return lines
}

export function describeReceipts(file: string, count: number, { say }: Terminal): string {
  return count === 0
    ? say({ zh: '没有回执可带回', en: 'there are no receipts to carry back' })
    : say({
        zh: `${count} 张回执在 ${file}：带回盒子，执行 chuangping receipts take`,
        en: `${count} receipts in ${file}: carry it to the boxes, there run chuangping receipts take`,
      })
}
