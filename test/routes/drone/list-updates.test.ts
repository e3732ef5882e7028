import { once } from 'node:events'
import t from 'tap'
import { buildOnly, type Client, connect, until } from '../../helper.js'
import { answers, join, news, othersOf, timeless } from './clients.js'

const build = buildOnly('drone')

const pinged = { HEARTBEAT_INTERVAL: '1000' }

/** Two pings are a second apart, and lists wait no such time. */
async function muchLater ({ socket }: Client): Promise<void> {
  await once(socket, 'ping')
  await once(socket, 'ping')
}

for (const how of ['closes', 'breaks off']) {
  t.test(`when a client ${how} all others get the list of who is left`, async (t) => {
    const app = await build(t)
    const alice = await join(t, app, 'a')
    const bob = await join(t, app, 'b')
    const carol = await join(t, app, 'c')
    if (how === 'closes') await carol.close()
    else carol.socket.terminate()
    for (const client of [alice, bob]) {
      t.strictSame(timeless(await client.next()), { type: 'client_list_update', clients: ['a', 'b'], count: 2 })
    }
  })
}

t.test('a socket that has not registered gets no list, and its leaving gives none', async (t) => {
  const app = await build(t, pinged)
  const stranger = await connect(t, app, '/drone')
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  await bob.close()
  await alice.nextOf('client_list_update')
  t.same(await answers(stranger), [])
  await stranger.close()
  await muchLater(alice)
  t.same(await news(alice, alice, 'a'), [])
})

t.test('when many leave at once the lists are few, and the last one is final', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'a')
  const many = []
  for (let at = 0; at < 30; at++) many.push(await join(t, app, `client ${at}`))
  for (const { socket } of many) socket.close()
  let lists = 0
  let list
  do {
    list = await alice.nextOf('client_list_update')
    lists++
  } while (list.count !== 1)
  t.strictSame(timeless(list), { type: 'client_list_update', clients: ['a'], count: 1 })
  t.ok(lists < 30, `${lists} lists`)
})

t.test('a takeover is no leave: nobody gets a list', async (t) => {
  const app = await build(t, pinged)
  const alice = await join(t, app, 'a')
  const old = await join(t, app, 'b')
  const young = await join(t, app, 'b')
  await old.closed
  await muchLater(alice)
  t.same(await news(young, alice, 'a'), [])
})

t.test('with DRONE_LIST_UPDATES=false nobody is told', async (t) => {
  const app = await build(t, { ...pinged, DRONE_LIST_UPDATES: 'false' })
  const alice = await join(t, app, 'a')
  const bob = await join(t, app, 'b')
  const carol = await join(t, app, 'c')
  await bob.close()
  await until(async () => String(await othersOf(carol)) === 'a')
  await muchLater(alice)
  t.same(await news(carol, alice, 'a'), [])
})
