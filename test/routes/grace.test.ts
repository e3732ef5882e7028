import { once } from 'node:events'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { clients } from '../../src/testing/clients.js'
import type { ClientDialect, Frame } from '../../src/testing/dialect.js'
import { serve } from '../../src/testing/serve.js'
import { tokenFor, withSecret } from '../auth/tokens.js'
import { begin, type Client, connect, type Env, until } from '../helper.js'
import { freshDatabase } from '../redis.js'

// Each waits for a grace to end, and not for the processor.
t.jobs = 4

const graceMs = 1_000
const dialects: readonly ClientDialect[] = [clients.tom, clients.psync, clients.drone, clients.peerjs]

/** What tells a client of others that come and go. A list is of those who are there. */
const news = new Set(['presence', 'peer_joined', 'peer_left', 'client_list_update'])

/** Two nodes on one Redis, or one that is both. */
async function nodes (t: Test, where: string, env: Env = {}): Promise<[one: FastifyInstance, other: FastifyInstance]> {
  const settings = { RESUME_GRACE_MS: String(graceMs), PSYNC_PEER_LEFT: 'true', DRONE_LIST_UPDATES: 'true', DRAIN_MS: '0', ...env }
  if (where === 'in memory') {
    const app = await serve(t, settings)
    return [app, app]
  }
  const shared = { ...settings, NODE_LEASE_MS: '5000', REDIS_URL: await freshDatabase() }
  return [await serve(t, shared), await serve(t, shared)]
}

async function join (t: Test, app: FastifyInstance, dialect: ClientDialect, id: string): Promise<Client> {
  const client = await connect(t, app, dialect.path(id))
  for (const frame of dialect.registration(id)) client.send(frame)
  await client.nextThat((frame) => dialect.welcome(frame, id) !== undefined)
  return client
}

/** Waits until a node has noticed that the connection of this peer has ended. */
async function isAway (app: FastifyInstance, dialect: ClientDialect, id: string): Promise<void> {
  await until(() => !app.state.peers.here(roomOf(dialect)).some((member) => member.id === id))
}

function roomOf ({ name }: ClientDialect): string {
  return { psync: 'psync/here', peerjs: 'peerjs/peerjs' }[name] ?? name
}

function isNotFound (frame: Frame): boolean {
  return frame.type === 'EXPIRE' || (frame.type === 'error' && JSON.stringify(frame).includes('not found'))
}

/** The next frame that is a signal, or says that one did not arrive. Fails on news of anybody before that. */
async function nextSignal (t: Test, client: Client, dialect: ClientDialect): Promise<unknown> {
  const frame = await client.nextThat((frame) => {
    t.notOk(news.has(String(frame.type)), `no news: ${JSON.stringify(frame)}`)
    return dialect.received(frame) !== undefined || isNotFound(frame)
  })
  return dialect.received(frame)?.load ?? 'not found'
}

/** Alice on one node, and bob on the other, who has heard of nobody else. */
async function pair (t: Test, [one, other]: FastifyInstance[], dialect: ClientDialect): Promise<[Client, Client]> {
  const alice = await join(t, one as FastifyInstance, dialect, 'alice')
  const bob = await join(t, other as FastifyInstance, dialect, 'bob')
  bob.send(dialect.offer('bob', 'alice', 'before'))
  await alice.nextThat((frame) => dialect.received(frame)?.load === 'before')
  return [alice, bob]
}

for (const where of ['in memory', 'on two nodes']) {
  for (const dialect of dialects) {
    const { name } = dialect

    t.test(`${name}, ${where}: whose socket breaks comes back, gets what was sent meanwhile, and the others hear of nothing`, async (t) => {
      const [one, other] = await nodes(t, where)
      const [alice, bob] = await pair(t, [one, other], dialect)
      alice.socket.terminate()
      await isAway(one, dialect, 'alice')
      for (const load of ['first', 'second', 'third']) bob.send(dialect.candidate('bob', 'alice', load))
      const back = await join(t, other, dialect, 'alice')
      for (const load of ['first', 'second', 'third']) t.equal(await nextSignal(t, back, dialect), load)
      back.send(dialect.candidate('alice', 'bob', 'here I am'))
      t.equal(await nextSignal(t, bob, dialect), 'here I am')
    })

    t.test(`${name}, ${where}: who does not come back leaves, and the sender of each frame hears that once`, async (t) => {
      const [one, other] = await nodes(t, where)
      const [alice, bob] = await pair(t, [one, other], dialect)
      alice.socket.terminate()
      await isAway(one, dialect, 'alice')
      const startedAt = performance.now()
      for (const load of ['first', 'second']) bob.send(dialect.candidate('bob', 'alice', load))
      await bob.nextThat(isNotFound)
      t.ok(performance.now() - startedAt > graceMs / 2, 'not before the end of its grace')
      await until(async () => await other.state.peers.count(roomOf(dialect)) === 1)
      const later = await join(t, one, dialect, 'carol')
      later.send(dialect.offer('carol', 'bob', 'after'))
      const between: Frame[] = []
      await bob.nextThat((frame) => between.push(frame) > 0 && dialect.received(frame)?.load === 'after')
      t.equal(between.filter(isNotFound).length, 0, 'and no second time')
    })

    t.test(`${name}, ${where}: who says goodbye has left, and its id is anybody’s`, async (t) => {
      const [one, other] = await nodes(t, where, { PEERJS_EXPIRE_TIMEOUT: '500' })
      const [alice, bob] = await pair(t, [one, other], dialect)
      await alice.close(1001)
      await until(async () => await other.state.peers.count(roomOf(dialect)) === 1)
      bob.send(dialect.offer('bob', 'alice', 'too late'))
      await bob.nextThat(isNotFound)
    })
  }
}

t.test('an end that somebody meant is a leave, and any other keeps the place', async (t) => {
  const [app] = await nodes(t, 'in memory', { RESUME_GRACE_MS: '60000' })
  const isThere = async (id: string) => (await app.state.peers.list('drone')).some((peer) => peer.id === id)
  const ends = [[1001, false], [4101, false], [1000, true], [1008, true], [1009, true], [4100, true], [4102, true]] as const
  for (const [code, isMeant] of ends) {
    const id = `closed with ${code}`
    const client = await join(t, app, clients.drone, id)
    for (const member of app.state.peers.here('drone')) if (member.id === id) member.sink.close(code)
    t.equal((await client.closed).code, code)
    await isAway(app, clients.drone, id)
    t.equal(await isThere(id), !isMeant, id)
  }
  for (const code of [undefined, 1000, 1001, 1011, 3000, 4000]) {
    const id = `closes with ${code}`
    const client = await join(t, app, clients.drone, id)
    await client.close(code)
    await isAway(app, clients.drone, id)
    t.equal(await isThere(id), false, id)
  }
})

t.test('on an open server the same address comes back, and another takes the id over', async (t) => {
  const [app] = await nodes(t, 'in memory', { RESUME_GRACE_MS: '60000' })
  const bob = await join(t, app, clients.tom, 'bob')
  const from = async (localAddress: string) => {
    const client = await connect(t, app, '/tom', { localAddress })
    client.send({ type: 'register', nodeId: 'alice', username: 'Alice' })
    await client.nextOf('participants')
    return client
  }
  const alice = await from('127.0.0.8')
  await bob.nextOf('presence')
  alice.socket.terminate()
  await isAway(app, clients.tom, 'alice')
  bob.send(clients.tom.candidate('bob', 'alice', 'for the first'))
  const other = await from('127.0.0.9')
  t.match(await bob.nextThat(({ type }) => type === 'error' || type === 'presence'), { type: 'error', error: 'peer not found' })
  t.match(await bob.nextOf('presence'), { action: 'join', nodeId: 'alice' })
  bob.send(clients.tom.candidate('bob', 'alice', 'for the second'))
  t.match(await other.nextOf('signal'), { payload: 'for the second' })
})

t.test('with auth the same subject comes back from anywhere, and nobody else', async (t) => {
  const [app] = await nodes(t, 'in memory', { RESUME_GRACE_MS: '60000', ...withSecret })
  const from = async (localAddress: string, sub: string) => {
    const client = await connect(t, app, `/drone?token=${tokenFor({ sub, ids: ['cam'] })}`, { localAddress })
    client.send({ type: 'register', id: 'cam' })
    return client
  }
  const alice = await from('127.0.0.8', 'alice')
  await alice.nextOf('registered')
  alice.socket.terminate()
  await isAway(app, clients.drone, 'cam')
  t.match(await (await from('127.0.0.8', 'mallory')).next(), { type: 'error' })
  t.match(await (await from('127.0.0.9', 'alice')).next(), { type: 'registered' })
})

for (const dialect of dialects) {
  t.test(`${dialect.name}: a node that drains hands its peers over, and nothing that is on its way either way is lost`, async (t) => {
    // However long a busy machine takes, the grace does not end, no signal expires, and bob's share of the mailbox holds all that he sends.
    const patience = { RESUME_GRACE_MS: '60000', PEERJS_EXPIRE_TIMEOUT: '60000', MAILBOX_MAX_MESSAGES: '100000' }
    const [one, other] = await nodes(t, 'on two nodes', { ...patience, MESSAGE_RATE: '100000', MESSAGE_BURST: '100000' })
    const [alice, bob] = await pair(t, [one, other], dialect)
    const sent: string[] = []
    const heard: unknown[] = []
    const counted: unknown[] = []
    const note = (list: unknown[]) => (data: unknown) => {
      const load = dialect.received(JSON.parse(String(data)) as Frame)?.load
      if (load !== undefined) list.push(load)
    }
    bob.socket.on('message', note(counted))
    let current = alice
    alice.socket.on('message', note(heard))
    // Both go on signaling through the drain.
    let isOver = false
    let number = 0
    let answered = 0
    const talk = (): void => {
      if (isOver) return
      sent.push(`${number}`)
      bob.send(dialect.candidate('bob', 'alice', `${number++}`))
      if (current.socket.readyState === current.socket.OPEN) current.send(dialect.candidate('alice', 'bob', `answer ${answered++}`))
      setTimeout(talk, 5)
    }
    talk()
    await until(() => counted.length > 20)
    const closing = one.close()
    t.equal((await alice.closed).code, 1001)
    // What has waited comes with the answer to the handshake, in peerjs.
    const back = begin(t, other, dialect.path('alice'))
    back.socket.on('message', note(heard))
    await once(back.socket, 'open')
    for (const frame of dialect.registration('alice')) back.send(frame)
    await back.nextThat((frame) => dialect.welcome(frame, 'alice') !== undefined)
    current = back
    const before = counted.length
    await until(() => counted.length > before + 20)
    isOver = true
    await closing
    await until(() => heard.length >= sent.length && counted.length >= answered)
    t.same(heard, sent, 'what bob sent has come once each, in order')
    t.same(counted, Array.from({ length: answered }, (_, at) => `answer ${at}`), 'and so has what alice sent')
    t.notOk(bob.taken().some((frame) => isNotFound(frame) || news.has(String(frame.type))), 'bob has heard of nothing')
  })
}
