import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Actor, enterBoth } from '../../src/testing/actors.js'
import { type Client, connect, urlOf } from '../helper.js'
import { start } from '../process.js'
import { builtIn } from '../routes/dialects.js'

const intervalMs = 1_000
const standstillMs = 3 * intervalMs

/** Blocks the event loop, as a plugin of somebody else might. */
const blocking = `export default async (app) => {
  app.get('/block', async () => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${standstillMs}); return 'done' })
}
`

const standstills: Record<string, (server: { port: number, pid: number }) => Promise<unknown>> = {
  'blocks its event loop': async ({ port }) => await (await fetch(`${urlOf(port)}/block`)).text(),
  'is stopped and continued': async ({ pid }) => {
    process.kill(pid, 'SIGSTOP')
    await new Promise((resolve) => setTimeout(resolve, standstillMs))
    process.kill(pid, 'SIGCONT')
  }
}

const pinged = async ({ socket }: Client): Promise<unknown> => await once(socket, 'ping')

/** Has a peer signal to another all the time, until the test ends. */
function keepSignalling (t: Test, from: Actor, to: Actor): void {
  const timer = setInterval(() => from.signal(to.id, { keeps: 'on' }), 200)
  t.after(() => clearInterval(timer))
}

for (const [what, standStill] of Object.entries(standstills)) {
  t.test(`a server that ${what} for three heartbeat intervals closes nobody who kept sending or answering`, async (t) => {
    const plugin = join(t.testdir(), 'blocking.mjs')
    writeFileSync(plugin, blocking)
    const { port, child } = await start(t, {
      PLUGINS: plugin,
      HEARTBEAT_INTERVAL: String(intervalMs),
      PEERJS_ALIVE_TIMEOUT: '1500',
      PSYNC_PEER_TTL_MS: '1500',
      ROOM_TIMEOUT_MS: '1500'
    })
    const clients: Array<[name: string, Client]> = []
    for (const subject of builtIn) {
      const [alice, bob] = await enterBoth(t, port, subject)
      keepSignalling(t, alice, bob)
      keepSignalling(t, bob, alice)
      clients.push([`${subject.name}, sending`, alice.client], [`${subject.name}, sending`, bob.client])
      // A PeerJS client that sends nothing counts as gone, whatever it answers.
      if (subject.name === 'peerjs' || subject.name === 'rooms') continue
      const registration = (id: string, place?: string) => subject.registration(`quiet ${id}`, place)
      const [carol, dave] = await enterBoth(t, port, { ...subject, registration })
      clients.push([`${subject.name}, answering`, carol.client], [`${subject.name}, answering`, dave.client])
    }
    const dead = await connect(t, port, '/', { autoPong: false })
    const closed = new Map<string, number>()
    for (const [name, client] of clients) client.closed.then(({ code }) => closed.set(name, code)).catch(t.fail)

    await Promise.all(clients.map(async ([, client]) => await pinged(client)))
    await standStill({ port, pid: child.pid as number })
    t.equal((await dead.closed).code, 4101, 'who neither sends nor answers is closed all the same')
    for (const [, client] of clients) await Promise.race([pinged(client), client.closed])
    t.strictSame(Object.fromEntries(closed), {})
  })
}
