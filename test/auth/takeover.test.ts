import t from 'tap'
import { build, connect } from '../helper.js'
import { enter } from '../../src/testing/actors.js'
import { builtIn } from '../routes/dialects.js'
import { bearing, tokenFor, withSecret } from './tokens.js'

/** What the newcomer hears whose id is another subject's. */
const taken: Record<string, object> = {
  peerjs: { type: 'ID-TAKEN', payload: { msg: 'ID is taken' } },
  psync: { type: 'error', payload: { message: 'peer_id is taken' } },
  drone: { type: 'error', message: 'Id is taken' },
  tom: { type: 'error', error: 'nodeId is taken' }
}

for (const subject of builtIn) {
  const { name } = subject
  if (subject.addressing === undefined) continue

  t.test(`${name}: only the same subject takes an id over`, async (t) => {
    const app = await build(t, { ...withSecret, PEERJS_EXPIRE_TIMEOUT: '500' })
    const holder = await enter(t, app, subject, 'shared', { options: bearing({ sub: 'alice', ids: ['*'] }) })
    const rival = await connect(t, app, subject.path('shared'), bearing({ sub: 'bob', ids: ['*'], roles: ['admin'] }))
    for (const frame of subject.registration('shared')) rival.send(frame)
    t.same(await rival.next(), taken[name])
    await holder.settle()

    const again = await enter(t, app, subject, 'shared', { options: bearing({ sub: 'alice', ids: ['*'], jti: 'a fresh one' }) })
    t.equal((await holder.client.closed).code, 4000)
    await again.settle()
  })

  t.test(`${name}: an id that is free again is anybody’s who may have it`, async (t) => {
    const app = await build(t, withSecret)
    const holder = await enter(t, app, subject, 'shared', { options: bearing({ sub: 'alice', ids: ['shared'] }) })
    await holder.client.close()
    await enter(t, app, subject, 'shared', { options: bearing({ sub: 'bob', ids: ['shared'] }) })
  })
}

t.test('a PeerJS client that comes back with a fresh token of its subject is the same client', async (t) => {
  const app = await build(t, withSecret)
  const path = (token: string) => `/peerjs?key=peerjs&id=alice&token=${token}`
  const first = await connect(t, app, path(tokenFor({ sub: 'alice', jti: '1' })))
  t.same(await first.next(), { type: 'OPEN' })
  const second = await connect(t, app, path(tokenFor({ sub: 'alice', jti: '2' })))
  t.same(await second.next(), { type: 'OPEN' })
  t.equal((await first.closed).code, 4000)
})

t.test('ID_TAKEOVER=reject refuses the same subject, too', async (t) => {
  const app = await build(t, { ...withSecret, ID_TAKEOVER: 'reject' })
  const holder = await connect(t, app, '/tom', bearing({ sub: 'alice' }))
  holder.send({ type: 'register', nodeId: 'alice', username: 'A' })
  await holder.next()
  const rival = await connect(t, app, '/tom', bearing({ sub: 'alice' }))
  rival.send({ type: 'register', nodeId: 'alice', username: 'A' })
  t.same(await rival.next(), { type: 'error', error: 'nodeId is taken' })
})
