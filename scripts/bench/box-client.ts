import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import mqtt, { type MqttClient } from 'mqtt'

/** Connects as the box (or collector) whose key and certificate lie in `folder`, as its agent does. */
export async function connectAs(name: string, folder: string, port: number): Promise<MqttClient> {
  const part = name === 'collector' ? 'collector' : 'box'
  const client = await mqtt.connectAsync(`mqtts://127.0.0.1:${port}`, {
    ca: readFileSync(join(folder, 'ca.crt')),
    cert: readFileSync(join(folder, `${part}.crt`)),
    key: readFileSync(join(folder, `${part}.key`)),
    clientId: name,
    protocolVersion: 4,
    reconnectPeriod: 0,
    writeCache: false,
    queueQoSZero: false,
  })
  return client
}

/** Publishes `count` times at QoS 1 with at most `inFlight` unacknowledged; resolves at the last PUBACK. */
export function flood(
  client: MqttClient,
  message: { topic: string; payload: Buffer; count: number; inFlight: number },
): Promise<void> {
  const { topic, payload, count, inFlight } = message
  return new Promise((resolve, reject) => {
    let sent = 0
    let acknowledged = 0
    const send = () => {
      sent += 1
      client.publish(topic, payload, { qos: 1 }, error => {
        if (error) return reject(error)
        acknowledged += 1
        if (acknowledged === count) resolve()
        else if (sent < count) send()
      })
    }
    while (sent < Math.min(inFlight, count)) send()
  })
}
