import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import type { ParcelReport } from '#collector/ingest/parcel-intake.ts'
import { checkScope } from './access.ts'
import type { ApiDeps } from './api-deps.ts'
import { limitBody } from './limited-body.ts'
import { problemResponses } from './problem-responses.ts'
import { refusalOf } from './refusal.ts'

const SCOPE = 'fleet:write'
const MEDIA_TYPE = 'application/octet-stream'
/** Some ten million entries. What is in memory at once does not depend on it. */
const PARCEL_BYTES_MAX = 1024 * 1024 * 1024

const count = (title: string) => Type.Integer({ title, minimum: 0 })
const strict = { additionalProperties: false } as const

const ParcelView = Type.Object(
  {
    batches: count('读出的批数 Batches read'),
    entries: Type.Object({ new: count('新入库的条目 New'), known: count('早已入库的条目 Known before') }, strict),
    chains: Type.Array(
      Type.Object(
        {
          box: Type.String({ title: '盒子编号 Box id' }),
          epoch: Type.String({ title: '纪元 Epoch' }),
          committed: count('已入库的最大序号 Committed up to'),
          missing: Type.Optional(
            Type.Object(
              { from: Type.Integer(), to: Type.Integer() },
              {
                ...strict,
                title: '缺少的条目，其后的没有接收 Missing; nothing behind them was taken',
              },
            ),
          ),
        },
        strict,
      ),
    ),
    refused: Type.Array(
      Type.Object(
        {
          box: Type.String(),
          epoch: Type.String(),
          first: Type.Integer(),
          last: Type.Integer(),
          code: Type.String(),
          detail: Type.String(),
        },
        strict,
      ),
      { title: '被隔离的批 Batches set aside' },
    ),
    fault: Type.Optional(
      Type.Object(
        { code: Type.String(), detail: Type.String() },
        {
          ...strict,
          title: '为何没有读到末尾；此前的批已接收 Why it was read no further; the batches before were taken',
        },
      ),
    ),
    receipts: Type.Array(Type.String(), {
      title: '带回盒子的回执，CBOR 的 Base64 Receipts to carry back, CBOR in base64',
    }),
  },
  { ...strict, title: '摆渡包导入结果 What a parcel brought' },
)

/** Parcels that somebody carried here. With a key also on this machine: it is kept who brought what. */
export function addParcelRoutes(scope: FastifyInstance, { verbs, keyring, log }: ApiDeps): void {
  const app = scope.withTypeProvider<TypeBoxTypeProvider>()
  // Read as it comes: a parcel is never in memory as a whole.
  app.addContentTypeParser(MEDIA_TYPE, (_request, payload, done) => done(null, payload))
  app.post(
    '/v1/parcels',
    {
      onRequest: (request, _reply, done) => {
        checkScope(request, keyring, SCOPE)
        done()
      },
      validatorCompiler: () => () => true,
      schema: {
        tags: ['fleet'],
        summary: '导入摆渡包；可重复导入 Import a parcel; may be repeated',
        description:
          '盒子上用 chuangping export 导出的文件。每一批按与消息通道相同的规则核验入库。The file that chuangping export made on a box; each batch is checked and committed as if it had come over the broker.',
        security: [{ key: [SCOPE] }],
        consumes: [MEDIA_TYPE],
        querystring: Type.Object({
          giveUpMissing: Type.Optional(
            Type.Boolean({
              title: '放弃缺少的条目，接收其后的 Give up missing entries and take what is behind them',
            }),
          ),
        }),
        body: Type.Unsafe({ type: 'string', format: 'binary' }),
        response: {
          200: ParcelView,
          ...problemResponses(
            'bad-request',
            'key-missing',
            'key-unknown',
            'scope-missing',
            'parcel-too-big',
            'media-type',
            'not-a-parcel',
            'unknown-version',
            'unknown-opening-key',
            'parcel-cut',
            'parcel-altered',
            'parcel-not-valid',
          ),
        },
      },
    },
    async request => {
      const by = checkScope(request, keyring, SCOPE)
      const giveUpMissing = String(request.query.giveUpMissing) === 'true'
      const source = limitBody(request.body as AsyncIterable<Uint8Array>, PARCEL_BYTES_MAX)
      const taken = await verbs.takeParcel(source.pieces(), { giveUpMissing })
      await source.drain()
      if (!taken.ok) throw refusalOf(taken.error)
      const { batches, entries, refused, fault } = taken.value
      log.info({ by, giveUpMissing, batches, ...entries, refused: refused.length, fault: fault?.code }, 'parcel-taken')
      return viewOf(taken.value)
    },
  )
}

function viewOf(report: ParcelReport) {
  return { ...report, receipts: report.receipts.map(bytes => Buffer.from(bytes).toString('base64')) }
}
