import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Test } from 'tap'
import { type Env, until, urlOf } from '../helper.js'
import { type Running, run } from '../process.js'
import { freePort } from '../../scripts/ports.js'
import { startRedis } from '../redis.js'
import { nameServer } from './name-server.js'
import { adapted, runNginx, temporary } from './proxy-process.js'

/** A node as the balancer sees it: an address of its own, the port of all. */
export interface Node extends Running {
  readonly address: string
  readonly port: number
  /** Addresses of the clients whose upgrades have arrived, in order. */
  handshakes (): string[]
}

export interface Topology {
  /** The port of the balancer. */
  readonly port: number
  readonly nodes: [Node, Node]
  /** Starts a node in place of one that has ended. */
  startAgain (node: Node): Promise<Node>
}

/** Two nodes on one Redis behind nginx with `deploy/nginx.conf`, where only ports, the name server and the directory differ. */
export async function startTopology (t: Test, env: Env = {}): Promise<Topology> {
  const { url } = await startRedis(t)
  const nodePort = await freePort()
  const settings = { REDIS_URL: url, TRUST_PROXY: 'true', CONNECT_RATE: '1000000', ...env, LOG_LEVEL: 'debug', PORT: String(nodePort) }
  const addresses = ['127.0.0.2', '127.0.0.3'] as const
  const [one, two] = await Promise.all(addresses.map(async (address) => await startNode(t, address, nodePort, settings))) as [Node, Node]

  const port = await freePort()
  const names = await nameServer(t, () => [...addresses])
  const directory = temporary(t)
  writeFileSync(join(directory, 'nginx.conf'), adapted('nginx.conf', [
    ['listen 8080;', `listen 127.0.0.1:${port};`],
    ['resolver 127.0.0.11 ', `resolver 127.0.0.1:${names} `],
    ['http://$nodes:8080;', `http://$nodes:${nodePort};`],
    ['/tmp/', `${directory}/`]
  ]))
  await runNginx(t, directory)
  await until(async () => await fetch(`${urlOf(port)}/ready`).then(({ status }) => status === 200, () => false))
  return { port, nodes: [one, two], startAgain: async ({ address }) => await startNode(t, address, nodePort, settings) }
}

async function startNode (t: Test, address: string, port: number, env: Env): Promise<Node> {
  const running = run(t, { ...env, HOST: address })
  const { child, output, exited } = running
  const ended = exited.then((code) => { throw new Error(`exited with ${code} instead of listening: ${output.stdout}${output.stderr}`) })
  // It is waited for below, if at all.
  ended.catch(() => {})
  while (!output.stdout.includes('Server listening at')) await Promise.race([once(child.stdout as Readable, 'data'), ended])
  return {
    ...running,
    address,
    port,
    handshakes () {
      const lines = output.stdout.split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as { msg?: string, req?: { path: string, address: string } })
      return lines.flatMap(({ msg, req }) =>
        msg === 'incoming request' && req !== undefined && !restPaths.test(req.path) ? [req.address] : [])
    }
  }
}

const restPaths = /\/(ready|health|id|peers)$/
