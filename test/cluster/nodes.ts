import { createServer, connect as dial, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import type { StateCounters } from '../../src/state/contract.js'
import { askEveryMs, build, type Client, connect, type Env, type Frame, urlOf } from '../helper.js'
import { clients } from '../../src/testing/clients.js'
import { type Ending, type RedisServer, startRedis } from '../redis.js'

/** Nodes in this process, on one Redis of their own. */
export async function nodesOn (t: Test, count: number, env: Env = {}): Promise<{ redis: RedisServer, apps: FastifyInstance[] }> {
  const redis = await startRedis(t)
  const apps = []
  for (let at = 0; at < count; at++) apps.push(await build(t, { REDIS_URL: redis.url, ...env }))
  return { redis, apps }
}

export function countersOf (app: FastifyInstance): StateCounters {
  return app.state.counters as StateCounters
}

/** A registered tom node. */
export async function tomPeer (t: Test, to: FastifyInstance | number, nodeId: string): Promise<Client> {
  const { path, registration, welcome } = clients.tom
  const client = await connect(t, to, path())
  for (const frame of registration(nodeId)) client.send(frame)
  await client.nextThat((frame) => welcome(frame, nodeId) !== undefined)
  return client
}

/** Waits until a tom node has heard of another one's arrival. */
export async function heardOf (client: Client, nodeId: string): Promise<void> {
  await client.nextThat((frame) => frame.action === 'join' && frame.nodeId === nodeId)
}

/** Collects the arrivals and departures that a tom node hears of from now on, as `join x` and `leave x`. */
export function listenTo (client: Client): string[] {
  const heard: string[] = []
  client.socket.on('message', (data) => {
    const { type, action, nodeId } = JSON.parse(String(data)) as Frame
    if (type === 'presence') heard.push(`${String(action)} ${String(nodeId)}`)
  })
  return heard
}

export function signal (from: string, to: string, payload: unknown): Frame {
  return clients.tom.offer(from, to, payload)
}

export async function isReady (to: FastifyInstance | number): Promise<boolean> {
  return (await fetch(`${urlOf(to)}/ready`)).status === 200
}

/** Waits until `holds` is true. It asks only now and then, to leave the processor to the nodes. */
export async function eventually (holds: () => unknown, patienceMs = 15_000): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!await holds()) {
    if (performance.now() > deadline) throw new Error(`never held: ${String(holds)}`)
    await delay(askEveryMs)
  }
}

/** A proxy before Redis that can stop passing bytes on without closing. */
export interface Way {
  readonly url: string
  /** Holds up those connections; with `all` new ones too. With `answers` only the answers to commands are held up. */
  freeze: (which: 'all' | 'listening' | 'answers') => void
  /** Holds up the answer to a command that contains a text, and those after it. */
  freezeAnswerWith: (text: string) => void
  thaw: () => void
  /** Resets all connections, and new ones too until `join`. */
  cut: () => void
  join: () => void
  /** New connections lead to another Redis from now on. */
  leadTo: (redis: Pick<RedisServer, 'port'>) => void
}

export async function wayTo (t: Ending, redis: Pick<RedisServer, 'port'>): Promise<Way> {
  const pairs = new Set<{ near: Socket, far: Socket, isListening: boolean, isFrozen: boolean }>()
  let { port } = redis
  let isFrozen = false
  let isCut = false
  let unanswered: string | undefined
  const hold = (pair: { near: Socket, far: Socket, isFrozen: boolean }) => {
    pair.isFrozen = true
    pair.near.pause()
    pair.far.pause()
  }
  const server = createServer((near) => {
    if (isCut) return near.resetAndDestroy()
    const far = dial(port, '127.0.0.1')
    const pair = { near, far, isListening: false, isFrozen: false }
    pairs.add(pair)
    near.on('data', (bytes: Buffer) => {
      if (bytes.includes('subscribe')) pair.isListening = true
      far.write(bytes)
    })
    far.on('data', (bytes: Buffer) => {
      if (unanswered === undefined || pair.isListening || !bytes.includes(unanswered)) return near.write(bytes)
      unanswered = undefined
      far.pause()
      far.unshift(bytes)
    })
    for (const [one, other] of [[near, far], [far, near]] as const) {
      one.on('error', () => {})
      one.on('close', () => {
        other.destroy()
        pairs.delete(pair)
      })
    }
    if (isFrozen) hold(pair)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const { near } of pairs) near.destroy()
  })
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    freeze (which) {
      isFrozen = which === 'all'
      for (const pair of pairs) {
        if (which === 'answers' && !pair.isListening) pair.far.pause()
        else if (isFrozen || (which === 'listening' && pair.isListening)) hold(pair)
      }
    },
    freezeAnswerWith (text) {
      unanswered = text
    },
    thaw () {
      isFrozen = false
      for (const { near, far } of pairs) {
        near.resume()
        far.resume()
      }
    },
    cut () {
      isCut = true
      for (const { near, far } of pairs) {
        near.resetAndDestroy()
        far.destroy()
      }
    },
    join () {
      isCut = false
    },
    leadTo (other) {
      port = other.port
    }
  }
}
