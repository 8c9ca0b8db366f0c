import { createLogger } from '#runtime/logger.ts'
import { createApi } from './server.ts'

/** The OpenAPI 3.1 document of the collector's API, as it is served and checked in. */
export async function collectorOpenapi(): Promise<object> {
  const unused = () => {
    throw new Error('only described, never called')
  }
  const app = await createApi({
    verbs: new Proxy({} as never, { get: unused }),
    keyring: { find: unused },
    events: { hasWatchers: unused, hasRoom: unused, add: unused, send: unused, close: unused },
    log: createLogger('openapi', 'silent'),
    options: { names: [], openToLoopback: false, requestsPerMinuteMax: 1, pages: '' },
  })
  await app.ready()
  const document = app.swagger()
  await app.close()
  // Plain data, as a reader of the file gets it.
  return JSON.parse(JSON.stringify(document))
}
