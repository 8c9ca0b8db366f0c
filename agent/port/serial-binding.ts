import { readSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { LinuxBinding, type LinuxPortBinding } from '@serialport/bindings-cpp'

/**
 * The library's Linux binding with one thing mended: a line that was hung up while it was being read gives
 * zero bytes, and the library then reads again, for ever, until memory ends, and never says that the line is
 * gone (serialport/bindings-cpp issue 162). Here zero bytes is what it is: the end of the line. What the kernel holds
 * is read at once and not by another thread, so that no byte is under way when somebody asks (`linesRead`).
 */
export const serialBinding: typeof LinuxBinding = {
  list: () => LinuxBinding.list(),
  async open(options) {
    const port = await LinuxBinding.open(options)
    port.read = (buffer, offset, length) => readSome(port, buffer, offset, length)
    return port
  },
}

async function readSome(port: LinuxPortBinding, buffer: Buffer, offset: number, length: number) {
  for (;;) {
    try {
      const bytesRead = readSync(openFile(port), buffer, offset, length, null)
      // A line that never falls silent must not keep everything else waiting.
      if (bytesRead === length) await setImmediate()
      if (bytesRead > 0) return { buffer, bytesRead }
      throw Object.assign(new Error('the line was hung up'), { code: 'ENXIO' })
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      if (!['EAGAIN', 'EWOULDBLOCK', 'EINTR'].includes(code)) throw error
    }
    // It may have been closed meanwhile, and to poll a closed one ends the process.
    openFile(port)
    await untilReadable(port)
  }
}

function openFile(port: LinuxPortBinding): number {
  // `canceled` tells the stream that nothing is wrong: somebody closed it.
  if (port.fd === null) throw Object.assign(new Error('Port is not open'), { canceled: true })
  return port.fd
}

function untilReadable(port: LinuxPortBinding): Promise<void> {
  return new Promise((resolve, reject) => {
    port.poller.once('readable', (error: Error | null) => (error ? reject(error) : resolve()))
  })
}
