import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createWire, type Wire } from './wire.ts'

/** A line to a server that sends back what it hears. */
async function openLine(): Promise<{ wire: Wire; dial(): Socket; heard: Buffer[] }> {
  const heard: Buffer[] = []
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.on('data', bytes => {
      heard.push(bytes)
      socket.write(bytes)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const wire = await createWire(() => (server.address() as AddressInfo).port)
  const dialled: Socket[] = []
  onTestFinished(async () => {
    for (const socket of dialled) socket.destroy()
    await wire.close()
    server.close()
  })
  return {
    wire,
    heard,
    dial() {
      const socket = connect(wire.port, '127.0.0.1')
      socket.on('error', () => {})
      dialled.push(socket)
      return socket
    },
  }
}

async function echoes(socket: Socket, text: string) {
  socket.write(text)
  const [bytes] = await once(socket, 'data')
  expect(String(bytes)).toBe(text)
}

const reasonOf = async (socket: Socket) => (await once(socket, 'error'))[0].code

test('a line that is up passes everything, both ways', async () => {
  const { dial } = await openLine()
  await echoes(dial(), 'hello')
})

test('refused: what was connected is closed, new connections are refused, and later they pass again', async () => {
  const { wire, dial } = await openLine()
  const before = dial()
  await echoes(before, 'a')
  const closed = once(before, 'close')
  await wire.set({ kind: 'refused' })
  await closed
  await expect(reasonOf(dial())).resolves.toBe('ECONNREFUSED')
  await wire.set({ kind: 'up' })
  await echoes(dial(), 'b')
})

test('reset: connections end with a reset, old and new', async () => {
  const { wire, dial } = await openLine()
  const before = dial()
  await echoes(before, 'a')
  const reason = reasonOf(before)
  await wire.set({ kind: 'reset' })
  await expect(reason).resolves.toBe('ECONNRESET')
  await expect(reasonOf(dial())).resolves.toBe('ECONNRESET')
})

test('black hole: nothing passes and nothing ends; afterwards what waited passes', async () => {
  const { wire, dial, heard } = await openLine()
  const socket = dial()
  await echoes(socket, 'a')
  await wire.set({ kind: 'black-hole' })
  socket.write('b')
  await once(dial(), 'connect')
  expect(heard.map(String)).toEqual(['a'])
  const back = once(socket, 'data')
  await wire.set({ kind: 'up' })
  expect(String((await back)[0])).toBe('b')
})

test('half open: an old connection is dead for ever and does not know it, a new one lives', async () => {
  const { wire, dial, heard } = await openLine()
  const old = dial()
  await echoes(old, 'a')
  await wire.set({ kind: 'half-open' })
  await wire.set({ kind: 'up' })
  old.write('b')
  await echoes(dial(), 'c')
  expect(heard.map(String)).toEqual(['a', 'c'])
  expect(old.destroyed).toBe(false)
})

test('narrow: no more bytes pass than the line carries', async () => {
  const { wire, dial } = await openLine()
  const socket = dial()
  await echoes(socket, 'a')
  await wire.set({ kind: 'narrow', bytesPerSecond: 100_000 })
  const startedMs = performance.now()
  socket.write(Buffer.alloc(10_000))
  for (let back = 0; back < 10_000; ) back += (await once(socket, 'data'))[0].length
  // 10,000 bytes there and as many back, at 100,000 a second; the first of them may wait a little less.
  expect(performance.now() - startedMs).toBeGreaterThan(120)
})

test('records of application data are seen by their length, however they arrive, and one can be cut off', async () => {
  const { wire, dial, heard } = await openLine()
  const seen: number[] = []
  wire.onRecord((direction, bytes) => {
    if (direction === 'up') seen.push(bytes)
    return bytes === 4 && direction === 'up' ? 'cut' : 'pass'
  })
  const record = (type: number, length: number) => Buffer.from([type, 3, 3, 0, length, ...Array(length).fill(0)])
  const socket = dial()
  const stream = Buffer.concat([record(22, 9), record(23, 7), record(23, 3)])
  for (const part of [stream.subarray(0, 16), stream.subarray(16)]) {
    socket.write(part)
    await once(socket, 'data')
  }
  expect(seen).toEqual([7, 3])
  const closed = once(socket, 'close')
  socket.write(record(23, 4))
  await closed
  expect(Buffer.concat(heard).length).toBe(stream.length)
})
