import t from 'tap'
import { build, until, urlOf } from '../helper.js'
import { enter } from '../../src/testing/actors.js'
import { builtIn, type Subject } from '../routes/dialects.js'
import { bearing, inSeconds, tokenFor, withQuery, withSecret } from './tokens.js'

const dialect = (name: string) => builtIn.find((subject) => subject.name === name) as Subject

const alice = { sub: 'alice' }
const discoverer = { sub: 'ops', roles: ['discover'] }

for (const { name } of builtIn) {
  const path = `/${name}/peers`

  t.test(`${name}: without a good token the peers are not listed, discovery or not`, async (t) => {
    for (const ALLOW_DISCOVERY of ['false', 'true']) {
      const app = await build(t, { DIALECTS: name, ...withSecret, ALLOW_DISCOVERY })
      for (const init of [
        {},
        { headers: { authorization: 'Bearer hunter2' } },
        bearing({ ...discoverer, exp: inSeconds(-1) }),
        bearing(discoverer, { key: 'other' }),
        bearing(discoverer, { alg: 'none' })
      ]) {
        const answer = await fetch(urlOf(app) + path, init)
        t.equal(answer.status, 401)
        t.same(await answer.json(), { error: 'Unauthorized' })
        t.equal(answer.headers.get('www-authenticate'), 'Bearer')
      }
    }
  })

  t.test(`${name}: with a token the peers are listed where discovery is on, or for a role`, async (t) => {
    const subject = dialect(name)
    const apps = {
      false: await build(t, { DIALECTS: name, ...withSecret, ALLOW_DISCOVERY: 'false' }),
      true: await build(t, { DIALECTS: name, ...withSecret, ALLOW_DISCOVERY: 'true' })
    }
    for (const [isOn, claims, status] of [
      ['false', alice, 401],
      ['false', { ...alice, roles: ['assign', 'discovery'] }, 401],
      ['false', discoverer, 200],
      ['false', { ...alice, roles: ['admin'] }, 200],
      ['true', alice, 200],
      ['true', { ...alice, dialects: ['other'] }, 401],
      ['false', { ...discoverer, dialects: ['other'] }, 401],
      ['false', { ...discoverer, dialects: [name] }, 200]
    ] as const) {
      const app = apps[isOn]
      const { client, id } = await enter(t, app, subject, 'peer', { options: bearing({ sub: 'peer' }) })
      for (const [to, init] of [
        [path, bearing(claims)],
        [withQuery(path, `token=${tokenFor(claims)}`), {}],
        [withQuery(path, `access_token=${tokenFor(claims)}`), {}]
      ] as const) {
        const answer = await fetch(urlOf(app) + to, init)
        t.equal(answer.status, status, JSON.stringify(claims))
        t.same(await answer.json(), status === 200 ? [id] : { error: 'Unauthorized' })
      }
      await client.close()
      await until(() => app.state.size().peers === 0)
    }
  })

  t.test(`${name}: health and fresh ids are open to everybody`, async (t) => {
    const app = await build(t, withSecret)
    for (const path of [`/${name}/health`, `/${name}/id`]) {
      for (const init of [{}, { headers: { authorization: 'Bearer hunter2' } }]) {
        t.equal((await fetch(urlOf(app) + path, init)).status, 200, path)
      }
    }
  })
}

t.test('the banner, health, readiness and the API document are open to everybody', async (t) => {
  const app = await build(t, withSecret)
  for (const path of ['/', '/health', '/ready', '/openapi.json', '/asyncapi.json', '/asyncapi.yaml']) {
    for (const init of [{}, { headers: { authorization: 'Bearer hunter2' } }]) {
      t.equal((await fetch(urlOf(app) + path, init)).status, 200, path)
    }
  }
})

t.test('PEERJS_ALLOW_DISCOVERY opens the list of PeerJS to those with a token', async (t) => {
  const app = await build(t, { ...withSecret, PEERJS_ALLOW_DISCOVERY: 'true', PEERJS_KEY: 'peerjs,mine' })
  for (const [path, status] of [['/mine/peers', 200], ['/peerjs/peers', 200], ['/wrong/peers', 401], ['/tom/peers', 401]] as const) {
    t.equal((await fetch(urlOf(app) + path, bearing(alice))).status, status, path)
    t.equal((await fetch(urlOf(app) + path)).status, 401, path)
  }
})

t.test('nobody sees groups and rooms that they may not enter', async (t) => {
  const app = await build(t, withSecret)
  const psync = dialect('psync')
  const rooms = dialect('rooms')
  await enter(t, app, psync, 'r', { place: 'red', options: bearing({ sub: 'r' }) })
  await enter(t, app, psync, 'b', { place: 'blue', options: bearing({ sub: 'b' }) })
  const host = await enter(t, app, rooms, 'host', { options: bearing({ sub: 'host' }) })
  const list = async (path: string, claims: object) => await (await fetch(urlOf(app) + path, bearing({ ...discoverer, ...claims }))).json()
  t.same((await list('/psync/peers', {}) as string[]).sort(), ['b', 'r'])
  t.same(await list('/psync/peers', { groups: ['red'] }), ['r'])
  t.same(await list('/psync/peers?group=blue', { groups: ['red'] }), [])
  t.same(await list('/rooms/peers', {}), [host.id])
  t.same(await list('/rooms/peers', { rooms: ['nowhere'] }), [])
  t.same(await list(`/rooms/peers?room=${host.place}`, { rooms: ['nowhere'] }), [])
  t.same(await list(`/rooms/peers?room=${host.place}`, { rooms: [host.place] }), [host.id])
})
