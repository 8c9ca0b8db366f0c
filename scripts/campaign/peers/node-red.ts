import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '#scripts/ports.ts'
import type { Peer, PeerPlace } from './peer.ts'
import { startHttpPeer } from './process.ts'

const NODE_RED = 'node-red@5.0.7'
const run = promisify(execFile)

/** Fetches Node-RED below `folder`, unless it is there; never into the project's own packages. */
export async function fetchNodeRed(folder: string): Promise<string> {
  const entry = join(folder, 'node_modules', 'node-red', 'red.js')
  if (existsSync(entry)) return entry
  mkdirSync(folder, { recursive: true })
  await run('npm', ['install', '--prefix', folder, '--ignore-scripts', '--no-fund', '--no-audit', NODE_RED])
  return entry
}

/**
 * A flow at its best: the press is in SQLite (WAL, synchronous=FULL) before the answer; what has not been sent is
 * read again every half second, and a row is deleted when the broker has acknowledged it. SQLite is Node's own,
 * because the usual SQLite node of Node-RED needs a compiler and sets neither.
 */
const SETTINGS = `const { DatabaseSync } = require('node:sqlite')
const database = new DatabaseSync(process.env.STORE + '/ratings.db')
database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
database.exec('CREATE TABLE IF NOT EXISTS rating (id INTEGER PRIMARY KEY, grade TEXT NOT NULL, at INTEGER NOT NULL)')
module.exports = {
  flowFile: 'flows.json',
  credentialSecret: false,
  uiHost: '127.0.0.1',
  httpAdminRoot: false,
  mqttReconnectTime: 500,
  functionGlobalContext: { database },
  logging: { console: { level: 'info' } },
}
`

const KEEP = `const { id, grade } = msg.payload
global.get('database').prepare('INSERT INTO rating VALUES (?, ?, ?)').run(id, grade, Date.now())
msg.payload = 'thank you'
return msg`

const READ = `const sent = context.get('sent') ?? new Map()
const now = Date.now()
const rows = global.get('database').prepare('SELECT id, grade, at FROM rating ORDER BY id LIMIT 500').all()
const due = rows.filter(row => now - (sent.get(row.id) ?? 0) > 10000)
for (const row of due) sent.set(row.id, now)
context.set('sent', sent)
return [due.map(row => ({ topic: 'ratings', qos: 1, payload: JSON.stringify(row), row: row.id }))]`

const FORGET = `global.get('database').prepare('DELETE FROM rating WHERE id = ?').run(msg.row)`

const flow = (brokerPort: number) => [
  { id: 'tab', type: 'tab', label: 'ratings' },
  {
    id: 'centre',
    type: 'mqtt-broker',
    broker: '127.0.0.1',
    port: String(brokerPort),
    clientid: 'node-red',
    autoConnect: true,
    protocolVersion: '4',
    keepalive: '5',
    cleansession: false,
  },
  { id: 'in', z: 'tab', type: 'http in', url: '/press', method: 'post', wires: [['keep']] },
  { id: 'keep', z: 'tab', type: 'function', func: KEEP, outputs: 1, wires: [['answer']] },
  { id: 'answer', z: 'tab', type: 'http response', wires: [] },
  { id: 'tick', z: 'tab', type: 'inject', repeat: '0.5', once: true, onceDelay: 0.1, props: [], wires: [['read']] },
  { id: 'read', z: 'tab', type: 'function', func: READ, outputs: 1, wires: [['out']] },
  { id: 'out', z: 'tab', type: 'mqtt out', broker: 'centre', topic: '', qos: '', retain: '', wires: [] },
  { id: 'done', z: 'tab', type: 'complete', scope: ['out'], wires: [['forget']] },
  { id: 'forget', z: 'tab', type: 'function', func: FORGET, outputs: 0, wires: [] },
]

export async function startNodeRed({ dir, store, brokerPort }: PeerPlace, entry: string): Promise<Peer> {
  const port = await freePort()
  const home = join(dir, 'node-red')
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'settings.cjs'), SETTINGS)
  writeFileSync(join(home, 'flows.json'), JSON.stringify(flow(brokerPort)))
  const command = [
    'env',
    `STORE=${store}`,
    process.execPath,
    entry,
    '-u',
    home,
    '-s',
    join(home, 'settings.cjs'),
    '-p',
    `${port}`,
  ] as const
  const isReady = (line: string) => line.includes('Started flows')
  return await startHttpPeer('node-red', `http://127.0.0.1:${port}/press`, command, isReady)
}
