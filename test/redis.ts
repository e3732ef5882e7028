import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { Redis } from 'ioredis'

export interface RedisServer {
  readonly port: number
  readonly url: string
  readonly process: ChildProcess
  /** For a test's own look at what is stored. */
  readonly client: Redis
}

/** A redis-server of its own on a free port of the loopback, without persistence, ended with the test. */
export async function startRedis (t: Test, port?: number, extra: readonly string[] = []): Promise<RedisServer> {
  const chosen = port ?? await freePort()
  const process = spawn('redis-server', ['--port', String(chosen), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--daemonize', 'no', ...extra], { stdio: 'ignore' })
  const client = new Redis(chosen, '127.0.0.1', { retryStrategy: () => 20, maxRetriesPerRequest: null })
  client.on('error', () => {})
  t.teardown(async () => {
    client.disconnect()
    process.kill('SIGCONT')
    process.kill('SIGKILL')
    if (process.exitCode === null && process.signalCode === null) await once(process, 'exit')
  })
  await client.ping()
  return { port: chosen, url: `redis://127.0.0.1:${chosen}`, process, client }
}

export async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
