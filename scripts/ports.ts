import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * The range that is searched for free ports. It is below the ports that systems assign for port 0 (from 32768 on Linux, from
 * 49152 elsewhere), so that no other process is given the port before our server listens on it.
 */
const [lowest, highest] = [20_000, 32_767]

/** A free port, for a server that cannot choose one itself. */
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

/** @throws when the port is in use, or cannot be used */
export async function mustBeFree (port: number, host: string): Promise<void> {
  const server = createServer().listen(port, host)
  await once(server, 'listening')
  server.close()
  await once(server, 'close')
}
