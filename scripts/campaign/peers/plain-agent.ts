import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import Database from 'better-sqlite3'
import mqtt from 'mqtt'

/**
 * What a capable programmer writes in an afternoon, at its best: a press is in SQLite (WAL, synchronous=FULL)
 * before it is thanked for, sent at QoS 1, and deleted when the broker has acknowledged it. Plain JSON, no signature,
 * no receipt. `plain-agent.ts DATABASE BROKER-URL PORT`
 */
const [path, url, port] = process.argv.slice(2) as [string, string, string]
const IN_FLIGHT_MAX = 64

const database = new Database(path)
database.pragma('journal_mode = WAL')
database.pragma('synchronous = FULL')
database.exec('CREATE TABLE IF NOT EXISTS rating (id INTEGER PRIMARY KEY, grade TEXT NOT NULL, at INTEGER NOT NULL)')
const insert = database.prepare('INSERT INTO rating VALUES (?, ?, ?)')
const oldest = database.prepare('SELECT id, grade, at FROM rating WHERE id > ? ORDER BY id LIMIT 1')
const remove = database.prepare('DELETE FROM rating WHERE id = ?')

// The library's own store stays empty: what was not acknowledged is in the table, and is read from there again.
const client = mqtt.connect(url, { clientId: 'plain-agent', clean: true, reconnectPeriod: 500, keepalive: 5 })
let sentUpTo = 0
let inFlight = 0

function send() {
  while (client.connected && inFlight < IN_FLIGHT_MAX) {
    const row = oldest.get(sentUpTo) as { id: number } | undefined
    if (!row) return
    sentUpTo = row.id
    inFlight += 1
    client.publish('ratings', JSON.stringify(row), { qos: 1 }, error => {
      inFlight -= 1
      if (!error) remove.run(row.id)
      send()
    })
  }
}

client.on('connect', () => {
  sentUpTo = 0
  send()
})
client.on('error', () => {}) // It tries again by itself.

createServer(async (request, response) => {
  const { id, grade } = (await json(request)) as { id: number; grade: string }
  insert.run(id, grade, Date.now())
  response.end('thank you')
  send()
}).listen(Number(port), '127.0.0.1', () => console.log('ready'))
