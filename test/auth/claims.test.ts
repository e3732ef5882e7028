import t, { type Test } from 'tap'
import { build, connect, type Frame } from '../helper.js'
import { enter } from '../../src/testing/actors.js'
import { builtIn, type Subject, subjects } from '../routes/dialects.js'
import { bearing, lastWords, notAllowed, tokenFor, withSecret } from './tokens.js'

type App = Awaited<ReturnType<typeof build>>

/** The dialects whose clients register an id of their own choice. */
const named = builtIn.filter(({ addressing }) => addressing !== undefined)

const start = async (t: Test, { env }: Subject) => await build(t, { ...env, ...withSecret })

/** It becomes a peer under this id. */
async function mayEnter (t: Test, app: App, subject: Subject, claims: Frame, id: string, place?: string): Promise<void> {
  const actor = await enter(t, app, subject, id, { place, options: bearing(claims) })
  t.same((await actor.settle()).filter((frame) => subject.isError(frame)), [], `${id} may`)
  await actor.client.close()
}

/** It is told so, and stays connected where the dialect lets it. */
async function mayNotEnter (t: Test, app: App, subject: Subject, claims: Frame, id: string, place?: string): Promise<void> {
  const client = await connect(t, app, subject.path(id), bearing(claims))
  for (const frame of subject.registration(id, place)) client.send(frame)
  t.same(await client.next(), notAllowed(subject), `${id} may not`)
  if (lastWords(subject.name).length > 0) {
    t.match(await client.closed, { code: 1008 })
    return
  }
  client.send('{')
  t.same(await client.next(), subject.errors.notJson, 'the socket stays open')
  t.equal(app.state.size().peers, 0)
  await client.close()
}

for (const subject of named) {
  const { name } = subject

  t.test(`${name}: the subject is the only id that may be registered`, async (t) => {
    const app = await start(t, subject)
    await mayEnter(t, app, subject, { sub: 'alice' }, 'alice')
    for (const id of ['bob', 'alic', 'alice2', 'Alice', '*', 'a*']) await mayNotEnter(t, app, subject, { sub: 'alice' }, id)
    await mayNotEnter(t, app, subject, { sub: 'a*' }, 'alice')
    await mayEnter(t, app, subject, { sub: 'a*' }, 'a*')
  })

  t.test(`${name}: the claim ids lists others, exact or by how they begin`, async (t) => {
    const app = await start(t, subject)
    const claims = { sub: 'alice', ids: ['bob', 'team-*'] }
    for (const id of ['alice', 'bob', 'team-1', 'team-']) await mayEnter(t, app, subject, claims, id)
    for (const id of ['bobby', 'team', 'xteam-1']) await mayNotEnter(t, app, subject, claims, id)
    await mayEnter(t, app, subject, { sub: 'x', ids: ['*'] }, 'anybody')
    await mayNotEnter(t, app, subject, { sub: 'x', ids: [] }, 'anybody')
  })
}

for (const subject of subjects) {
  const { name } = subject

  t.test(`${name}: the claim dialects says where a token counts`, async (t) => {
    const app = await start(t, subject)
    for (const dialects of [[name], ['*'], ['other', `${name.slice(0, 2)}*`]]) {
      const { client } = await enter(t, app, subject, 'alice', { options: bearing({ sub: 'alice', dialects }) })
      await client.close()
    }
    for (const dialects of [[], ['other'], [`${name}x`]]) {
      const client = await connect(t, app, subject.path('alice'), bearing({ sub: 'alice', dialects }))
      if (lastWords(name).length > 0) {
        t.same(await client.next(), notAllowed(subject))
        t.same(await client.closed, { code: 1008, reason: 'Unauthorized' })
        continue
      }
      for (const frame of [...subject.registration('alice'), { type: 'nonsense' }, '{']) {
        client.send(frame)
        t.same(await client.next(), notAllowed(subject), 'whatever it says')
      }
      t.equal(app.state.size().peers, 0)
      await client.close()
    }
  })
}

t.test('at the bare root the claim dialects is checked when the dialect is chosen', async (t) => {
  const app = await build(t, withSecret)
  for (const subject of builtIn) {
    if (subject.name === 'peerjs') continue
    const client = await connect(t, app, '/', bearing({ sub: 'alice', dialects: ['other'] }))
    client.send({ type: 'nothing' })
    t.match(await client.next(), { error: 'unknown dialect' })
    const [first] = subject.registration('alice')
    client.send(first)
    t.same(await client.next(), notAllowed(subject), subject.name)
    client.send(first)
    t.same(await client.next(), notAllowed(subject), 'it stays open')
    client.send({ type: 'auth', token: tokenFor({ sub: 'alice', dialects: [subject.name] }) })
    t.same(await client.next(), { type: 'auth', ok: true })
    client.send(first)
    await client.nextThat((frame) => subject.welcome(frame, 'alice') !== undefined)
    await client.close()
  }
})

t.test('the claim groups bounds which psync groups may be entered', async (t) => {
  const app = await build(t, withSecret)
  const psync = builtIn.find(({ name }) => name === 'psync') as Subject
  const claims = { sub: 'alice', groups: ['red', 'team-*'] }
  for (const group of ['red', 'team-1']) await mayEnter(t, app, psync, claims, 'alice', group)
  for (const group of ['blue', 'redder', '*']) await mayNotEnter(t, app, psync, claims, 'alice', group)
  await mayNotEnter(t, app, psync, { sub: 'alice', groups: [] }, 'alice', 'red')
  await mayEnter(t, app, psync, { sub: 'alice', rooms: [] }, 'alice', 'red')
})

t.test('a peer that is refused another group stays where it is', async (t) => {
  const app = await build(t, withSecret)
  const client = await connect(t, app, '/psync/ws', bearing({ sub: 'alice', groups: ['red'] }))
  const register = (group: string) => ({ type: 'register', payload: { peer_id: 'alice', group_id: group } })
  client.send(register('red'))
  t.match(await client.next(), { type: 'peer_list' })
  client.send(register('blue'))
  t.same(await client.next(), { type: 'error', payload: { message: 'not allowed' } })
  client.send({ type: 'offer', target_id: 'alice', payload: 1 })
  t.match(await client.next(), { type: 'offer', source_id: 'alice' })
})

t.test('the claim rooms bounds which rooms may be joined', async (t) => {
  const app = await build(t, withSecret)
  const host = await connect(t, app, '/rooms', bearing({ sub: 'host' }))
  host.send({ type: 'create' })
  const { roomId } = await host.next()
  for (const rooms of [[roomId], ['*'], [`${String(roomId).slice(0, 2)}*`], undefined]) {
    for (const room of [roomId, Number(roomId)]) {
      const guest = await connect(t, app, '/rooms', bearing({ sub: 'guest', rooms }))
      guest.send({ type: 'join', roomId: room })
      t.match(await guest.next(), { type: 'room_joined', roomId }, JSON.stringify(rooms))
    }
  }
  for (const rooms of [[], ['nowhere'], [`${String(roomId)}0`]]) {
    const guest = await connect(t, app, '/rooms', bearing({ sub: 'guest', rooms }))
    // One refused does not count as a guess.
    for (let n = 0; n < 12; n++) {
      guest.send({ type: 'join', roomId })
      t.same(await guest.next(), { type: 'error', message: 'not allowed' })
    }
  }
})

t.test('a room may be made unless the claim rooms is empty', async (t) => {
  const app = await build(t, withSecret)
  for (const rooms of [undefined, ['nowhere'], ['*']]) {
    const client = await connect(t, app, '/rooms', bearing({ sub: 'host', rooms }))
    client.send({ type: 'create' })
    t.match(await client.next(), { type: 'room_created' })
    client.send({ type: 'signal', payload: 1 })
    client.send({ type: 'nonsense' })
    t.same(await client.next(), { type: 'error', message: 'Unknown message type: nonsense' })
  }
  const client = await connect(t, app, '/rooms', bearing({ sub: 'host', rooms: [] }))
  client.send({ type: 'create' })
  t.same(await client.next(), { type: 'error', message: 'not allowed' })
})

t.test('a tom node gives roles to another only with the role assign', async (t) => {
  const app = await build(t, withSecret)
  const assign = (nodeId: string) => ({ type: 'role-assign', nodeId, roles: ['host'] })
  for (const [roles, may] of [
    [undefined, false],
    [[], false],
    [['discover', 'Assign'], false],
    [['assign'], true],
    [['admin'], true]
  ] as const) {
    const node = await connect(t, app, '/tom', bearing({ sub: 'alice', roles }))
    node.send({ type: 'register', nodeId: 'alice', username: 'A' })
    await node.nextOf('participants')
    node.send(assign('alice'))
    t.same(await node.nextThat(({ type }) => type !== 'participants'), { ...assign('alice'), from: 'alice' }, 'to itself it may')
    node.send(assign('bob'))
    t.same(
      await node.nextThat(({ type }) => type !== 'participants'),
      may ? { ...assign('bob'), from: 'alice' } : { type: 'error', error: 'not allowed' },
      JSON.stringify(roles)
    )
    await node.close()
  }
})
