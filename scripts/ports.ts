import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Where free ports are looked for: below those that a system gives to whoever asks for port 0 (from 32768 on Linux, 49152
 * elsewhere), or another process could be given one between our look and the start of the server it is meant for.
 */
const [lowest, highest] = [20_000, 32_767]

/** A port that nobody listens on, for a server that must be told one. */
export async function freePort (host = '127.0.0.1'): Promise<number> {
  const port = lowest + Math.floor(Math.random() * (highest - lowest + 1))
  return await isFree(port, host) ? port : await freePort(host)
}

async function isFree (port: number, host: string): Promise<boolean> {
  return await mustBeFree(port, host).then(() => true, (error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE') return false
    throw error
  })
}

/** @throws when somebody listens there, or nobody can */
export async function mustBeFree (port: number, host: string): Promise<void> {
  const server = createServer().listen(port, host)
  await once(server, 'listening')
  server.close()
  await once(server, 'close')
}
