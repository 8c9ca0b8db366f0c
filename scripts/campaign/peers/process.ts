import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { spawnBound } from '#scripts/program.ts'
import { type Peer, pressByHttp } from './peer.ts'

/** A process of a peer: started until a line says that it is ready, and killed without warning. */
export async function startProcess(
  command: readonly [string, ...string[]],
  isReady: (line: string) => boolean,
): Promise<{ freeze(): void; kill(): Promise<void> }> {
  const child = spawnBound(command[0], command.slice(1))
  const ended = once(child, 'exit')
  const said: string[] = []
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface({ input: stream }).on('line', line => {
        said.push(line)
        if (isReady(line)) resolve()
      })
    }
    void ended.then(([code]) => reject(new Error(`${command.join(' ')} ended with ${code}\n${said.join('\n')}`)))
  })
  return {
    freeze: () => void child.kill('SIGSTOP'),
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** A peer whose box is one process that takes presses over HTTP. */
export async function startHttpPeer(
  name: string,
  url: string,
  ...started: Parameters<typeof startProcess>
): Promise<Peer> {
  const start = () => startProcess(...started)
  let own = await start()
  return {
    name,
    press: id => pressByHttp(url, id),
    freeze: () => own.freeze(),
    async kill() {
      await own.kill()
      return async () => {
        own = await start()
      }
    },
    stop: () => own.kill(),
  }
}
