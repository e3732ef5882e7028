import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { EventEmitter, on, once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { nodesOn } from '../cluster/nodes.js'
import { build, totals, until, urlOf } from '../helper.js'

/** What the test uses of simple-peer. */
interface Peer extends EventEmitter {
  id: string
  send (text: string): void
}

/** What it uses of bittorrent-tracker, which has no types. */
interface TrackerClient extends EventEmitter {
  start (options: { left: number, numwant: number }): void
  complete (): void
  scrape (): void
  stop (): void
  destroy (): void
}

const { default: Client } = await import('bittorrent-tracker/client' as string) as {
  default: new (options: object) => TrackerClient
}

// Its WebRTC has threads, which keep the process.
const { cleanup } = await import('node-datachannel' as string) as { cleanup: () => void }
t.teardown(cleanup)

const env = { DIALECTS: 'tracker' }

const wayTo = (app: FastifyInstance, path: string) => `${urlOf(app).replace('http', 'ws')}${path}`

/** A server, as two ways to it: one node, or two. */
const servers: Record<string, (t: Test) => Promise<[one: string, other: string]>> = {
  async 'one node' (t) {
    const app = await build(t, env)
    // The client shares a socket for a URL among all clients of a process.
    return [wayTo(app, '/t'), wayTo(app, '/announce')]
  },
  async 'two nodes' (t) {
    const { apps: [one, other] } = await nodesOn(t, 2, env)
    return [wayTo(one as FastifyInstance, '/t'), wayTo(other as FastifyInstance, '/t')]
  }
}

function clientOf (t: Test, infoHash: string, url: string): { client: TrackerClient, peerId: string, warnings: string[] } {
  const peerId = randomBytes(20).toString('hex')
  const client = new Client({ infoHash, peerId, announce: [url], port: 6881, rtcConfig: { iceServers: [] } })
  const warnings: string[] = []
  client.on('error', (error: Error) => t.fail(error.message)).on('warning', ({ message }: Error) => warnings.push(message))
  t.teardown(() => client.destroy())
  return { client, peerId, warnings }
}

for (const [where, start] of Object.entries(servers)) {
  t.test(`two clients of npm bittorrent-tracker meet on ${where}, talk, count and stop`, async (t) => {
    const [here, there] = await start(t)
    const infoHash = randomBytes(20).toString('hex')
    const [alice, bob] = [clientOf(t, infoHash, here), clientOf(t, infoHash, there)]
    const met = [once(alice.client, 'peer'), once(bob.client, 'peer')]
    alice.client.start({ left: 0, numwant: 1 })
    // Else both may offer, and meet twice.
    await once(alice.client, 'update')
    bob.client.start({ left: 1000, numwant: 1 })
    const [[bobsEnd], [alicesEnd]] = await Promise.all(met) as [[Peer], [Peer]]
    t.same([bobsEnd.id, alicesEnd.id], [bob.peerId, alice.peerId])
    for (const end of [bobsEnd, alicesEnd]) end.on('error', () => {})
    await Promise.all([once(bobsEnd, 'connect'), once(alicesEnd, 'connect')])
    bobsEnd.send('hello, Bob')
    alicesEnd.send('hello, Alice')
    const heard = await Promise.all([once(alicesEnd, 'data'), once(bobsEnd, 'data')])
    t.same(heard.map(([data]) => Buffer.from(data).toString()), ['hello, Bob', 'hello, Alice'])

    const counted = async (client: TrackerClient, event: string) => {
      const [{ complete, incomplete }] = await once(client, event)
      return { complete, incomplete }
    }
    bob.client.scrape()
    t.same(await counted(bob.client, 'scrape'), { complete: 1, incomplete: 1 })
    bob.client.complete()
    t.same(await counted(bob.client, 'update'), { complete: 2, incomplete: 0 })
    alice.client.stop()
    t.same(await counted(alice.client, 'update'), { complete: 1, incomplete: 0 })
    t.same([...alice.warnings, ...bob.warnings], [])
  })

  t.test(`two pages of Trystero’s torrent strategy meet on ${where}`, async (t) => {
    const facts = await Promise.all((await start(t)).map(async (url) => {
      const child = spawn(process.execPath, [fileURLToPath(new URL('trystero.js', import.meta.url)), url], {
        stdio: ['ignore', 'pipe', 'inherit']
      })
      t.teardown(() => child.kill())
      const lines = on(createInterface(child.stdout), 'line')
      const next = async () => JSON.parse(String((await lines.next()).value))
      return { ...await next(), ...await next() } as { self: string, heard: string, from: string }
    }))
    const [one, other] = facts as [typeof facts[0], typeof facts[0]]
    t.same([one.from, other.from], [other.self, one.self])
    t.same([one.heard, other.heard], [`hello from ${other.self}`, `hello from ${one.self}`])
  })
}

t.test('a client of npm bittorrent-tracker outlives every failure', async (t) => {
  const app = await build(t, { ...env, MAX_ROOMS_PER_CLIENT: '1' })
  const [one, two] = [randomBytes(20).toString('hex'), randomBytes(20).toString('hex')]
  const url = wayTo(app, '/t')
  const [alice, bob] = [clientOf(t, one, url), clientOf(t, two, url)]
  alice.client.start({ left: 1, numwant: 1 })
  await once(alice.client, 'update')
  bob.client.start({ left: 1, numwant: 1 })
  const [warning] = await once(bob.client, 'warning')
  t.equal(warning.message, 'too many swarms')
  alice.client.scrape()
  await once(alice.client, 'scrape')
  t.same(alice.warnings, [], 'it was not told what was not about its swarm')
  await until(() => totals(app).sockets === 1)
})
