import { createPublicKey, type KeyObject } from 'node:crypto'
import { resolve } from 'node:path'
import { ok, type Result } from '#protocol/result.ts'

/** Where a collector's store is, with its public signing key and its opening keys; read as the collector reads them. */
export async function readIdentityOf(
  config: string,
): Promise<Result<{ path: string; collectorKey: KeyObject; openingKeys: KeyObject[] }>> {
  const [{ loadCollectorConfiguration }, { loadCollectorIdentity }] = await Promise.all([
    import('#collector/configuration.ts'),
    import('#collector/identity.ts'),
  ])
  const configuration = loadCollectorConfiguration(resolve(config), process.env)
  if (!configuration.ok) return configuration
  const { store, identity, opening } = configuration.value
  const read = loadCollectorIdentity(identity, opening)
  if (!read.ok) return read
  const { signingKey, openingKeys } = read.value
  return ok({ path: store, collectorKey: createPublicKey(signingKey), openingKeys })
}
