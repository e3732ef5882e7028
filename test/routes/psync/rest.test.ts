import t from 'tap'
import { buildOnly, urlOf } from '../../helper.js'
import { join } from './members.js'

const build = buildOnly('psync')

t.test('GET /psync/health is OK as plain text', async (t) => {
  const app = await build(t)
  const answer = await fetch(`${urlOf(app)}/psync/health`)
  t.equal(answer.status, 200)
  t.match(answer.headers.get('content-type'), /^text\/plain/)
  t.equal(await answer.text(), 'OK')
})

t.test('GET /psync/id is a fresh id as plain text', async (t) => {
  const app = await build(t)
  const ids = new Set<string>()
  for (let at = 0; at < 3; at++) {
    const answer = await fetch(`${urlOf(app)}/psync/id`)
    t.match(answer.headers.get('content-type'), /^text\/plain/)
    ids.add(await answer.text())
  }
  t.equal(ids.size, 3)
  for (const id of ids) t.match(id, /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/)
})

t.test('GET /psync/peers is off by default', async (t) => {
  const app = await build(t)
  for (const path of ['/psync/peers', '/psync/peers?group=g']) t.equal((await fetch(urlOf(app) + path)).status, 401)
})

t.test('GET /psync/peers lists the ids of all groups, or those of one', async (t) => {
  const app = await build(t, { ALLOW_DISCOVERY: 'true' })
  const peers = async (query = '') => await (await fetch(`${urlOf(app)}/psync/peers${query}`)).json() as string[]
  t.same(await peers(), [])
  await join(t, app, 'a', { group: 'one' })
  await join(t, app, 'b', { group: 'one' })
  await join(t, app, 'b', { group: 'two & a half' })
  await join(t, app, 'c', { group: 'two & a half' })
  t.same((await peers()).sort(), ['a', 'b', 'c'], 'an id that is in two groups once')
  t.same(await peers('?group=one'), ['a', 'b'])
  t.same(await peers(`?group=${encodeURIComponent('two & a half')}`), ['b', 'c'])
  t.same(await peers('?group=none'), [])
  t.same(await peers('?group=__proto__'), [])
})
