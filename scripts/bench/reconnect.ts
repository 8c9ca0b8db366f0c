import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { stringify } from 'yaml'
import { createCable } from '#scripts/cable.ts'
import { startAgentProcess } from './agent-process.ts'
import { startCountingBroker } from './counting-broker.ts'
import type { Measurement, Subject } from './measurement.ts'
import { quantile } from './statistics.ts'
import type { Workplace } from './workplace.ts'

const BOX = 'bench-reconnect'
const PERIOD_MS = 1_000
const OUTAGES = 20
/** Long enough that the box has noticed and waits for its next attempt, at any moment of that. */
const OUTAGE_MS_MIN = 200

/**
 * The cable is cut and put back: from then until the first batch is with the consumer behind the broker. The box is
 * set to try again every second, its own random part included.
 */
export const reconnect: Measurement = {
  name: 'reconnect',
  rows: [
    {
      name: 'reconnect-p95',
      title: { zh: '网络恢复到首批送达 p95', en: 'link back to first batch out, p95' },
      against: { zh: '重连周期', en: 'the period of its attempts' },
      unit: 'ms',
      better: 'lower',
      goal: 1,
    },
  ],
  prepare: prepareReconnect,
}

async function prepareReconnect(place: Workplace): Promise<Subject> {
  const identities = await place.identities([BOX])
  const broker = await startCountingBroker(place, identities, { hasConsumer: true })
  const cable = await createCable(() => broker.port)
  const close = place.keep(cable.close)
  const folder = place.folder('reconnect')
  const agent = await startAgentProcess(place, configure(folder, identities.boxes[BOX]!, cable.port))
  let batches = 1
  // Nobody sends receipts here, so the first batch is sent at every new connection.
  await broker.counted(batches)

  async function outageMs(): Promise<number> {
    await cable.cut()
    await delay(OUTAGE_MS_MIN + Math.random() * PERIOD_MS)
    batches += 1
    const arrived = broker.counted(batches)
    const backMs = performance.now()
    await cable.restore()
    await arrived
    return performance.now() - backMs
  }

  return {
    async ours() {
      const tookMs: number[] = []
      for (let i = 0; i < OUTAGES; i++) tookMs.push(await outageMs())
      return [quantile(tookMs, 0.95)]
    },
    reference: () => Promise.resolve([PERIOD_MS]),
    async close() {
      await agent.stop()
      await close()
      await broker.stop()
    },
  }
}

/** A box that reaches its broker through the cable. */
function configure(folder: string, identity: string, port: number): string {
  cpSync(identity, join(folder, 'identity'), { recursive: true })
  const enrolment = join(folder, 'identity', 'enrolment.yaml')
  writeFileSync(enrolment, readFileSync(enrolment, 'utf8').replace(/^(broker: .*:)\d+/m, `$1${port}`))
  const file = join(folder, 'agent.yaml')
  const windows = [{ window: 'A01', profile: 'generic-pj06', port: '/dev/no-such-pad' }]
  const period = `${PERIOD_MS}ms`
  // Sending again would count as a batch of its own.
  const link = { reconnect: period, reconnectMax: period, resend: '1h', resendMax: '1h' }
  writeFileSync(file, stringify({ identity: 'identity', windows, panel: { port: 0 }, link, logLevel: 'silent' }))
  return file
}
