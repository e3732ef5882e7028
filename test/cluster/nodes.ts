import { createServer, connect as dial, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import type { StateCounters } from '../../src/state/contract.js'
import { askEveryMs, build, type Client, connect, type Env, type Frame, urlOf } from '../helper.js'
import { type RedisServer, startRedis } from '../redis.js'

/** So many nodes in this process, on one Redis of their own. */
export async function nodesOn (t: Test, count: number, env: Env = {}): Promise<{ redis: RedisServer, apps: FastifyInstance[] }> {
  const redis = await startRedis(t)
  const apps = []
  for (let at = 0; at < count; at++) apps.push(await build(t, { REDIS_URL: redis.url, ...env }))
  return { redis, apps }
}

export function countersOf (app: FastifyInstance): StateCounters {
  return app.state.counters as StateCounters
}

/** A tom node that is registered, and knows it. */
export async function tomPeer (t: Test, to: FastifyInstance | number, nodeId: string): Promise<Client> {
  const client = await connect(t, to, '/tom')
  client.send({ type: 'register', nodeId, username: nodeId })
  await client.nextThat(({ type, participants }) => type === 'participants' && (participants as Frame[]).some((one) => one.nodeId === nodeId))
  return client
}

export function signal (from: string, to: string, payload: unknown): Frame {
  return { type: 'signal', from, to, payload }
}

export async function isReady (to: FastifyInstance | number): Promise<boolean> {
  return (await fetch(`${urlOf(to)}/ready`)).status === 200
}

/** Answers once `holds` does. Looks now and then, so that those it waits for have the processor. */
export async function eventually (holds: () => unknown, patienceMs = 15_000): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!await holds()) {
    if (performance.now() > deadline) throw new Error(`never held: ${String(holds)}`)
    await delay(askEveryMs)
  }
}

/** The way to Redis, which can stop to pass anything on, without closing. */
export interface Way {
  readonly url: string
  /** Holds up the connections there are that fit, and with `all` new ones too. */
  freeze: (which: 'all' | 'listening') => void
  thaw: () => void
}

export async function wayTo (t: Test, { port }: RedisServer): Promise<Way> {
  const pairs = new Set<{ near: Socket, far: Socket, isListening: boolean, isFrozen: boolean }>()
  let isFrozen = false
  const hold = (pair: { near: Socket, far: Socket, isFrozen: boolean }) => {
    pair.isFrozen = true
    pair.near.pause()
    pair.far.pause()
  }
  const server = createServer((near) => {
    const far = dial(port, '127.0.0.1')
    const pair = { near, far, isListening: false, isFrozen: false }
    pairs.add(pair)
    near.on('data', (bytes: Buffer) => {
      if (bytes.includes('subscribe')) pair.isListening = true
      far.write(bytes)
    })
    far.on('data', (bytes: Buffer) => near.write(bytes))
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
      for (const pair of pairs) if (isFrozen || pair.isListening) hold(pair)
    },
    thaw () {
      isFrozen = false
      for (const { near, far } of pairs) {
        near.resume()
        far.resume()
      }
    }
  }
}
