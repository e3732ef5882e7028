import t from 'tap'
import { buildOnly, urlOf } from '../../helper.js'
import { join, received } from './join.js'

const build = buildOnly('peerjs')

t.test('HEARTBEAT gets no reply', async (t) => {
  const app = await build(t)
  const alice = await join(t, app, 'alice')
  for (let n = 0; n < 3; n++) alice.send({ type: 'HEARTBEAT' })
  alice.send({ type: 'HEARTBEAT', payload: 'extra fields are tolerated', dst: 5 })
  t.same(await received(alice, 'alice'), [])
})

t.test('without a frame for PEERJS_ALIVE_TIMEOUT a client is closed with 4101, whatever pongs it sends, and unregistered', async (t) => {
  const app = await build(t, { PEERJS_ALIVE_TIMEOUT: '2000', HEARTBEAT_INTERVAL: '1000', ALLOW_DISCOVERY: 'true' })
  const frozen = await join(t, app, 'frozen', { token: 'first' })
  let pings = 0
  frozen.socket.on('ping', () => { pings++ })
  const startedAt = performance.now()
  t.equal((await frozen.closed).code, 4101)
  t.ok(performance.now() - startedAt > 1500, 'not before its time')
  t.ok(pings > 0, 'it has answered pings')
  t.same(await (await fetch(`${urlOf(app)}/peerjs/peers`)).json(), [])
  await join(t, app, 'frozen', { token: 'second' })
})

for (const frame of [{ type: 'HEARTBEAT' }, { type: 'CANDIDATE', dst: 'alice', payload: null }]) {
  t.test(`a client that sends ${frame.type} every two thirds of the time, as background tabs do, stays; a silent one goes`, async (t) => {
    const app = await build(t, { PEERJS_ALIVE_TIMEOUT: '3000', HEARTBEAT_INTERVAL: '1000' })
    const alice = await join(t, app, 'alice')
    // The server's pings are the clock. By default it is 60 of 90 s.
    let pings = 0
    alice.socket.on('ping', () => { if (++pings % 2 === 0) alice.send(frame) })
    for (const id of ['first', 'second']) {
      const silent = await join(t, app, id)
      t.equal((await silent.closed).code, 4101)
    }
    await received(alice, 'alice')
    t.equal(alice.socket.readyState, alice.socket.OPEN)
  })
}

t.test('a client that answers no pings is closed with 4101, though PEERJS_ALIVE_TIMEOUT is far', async (t) => {
  const app = await build(t, { HEARTBEAT_INTERVAL: '1000' })
  const mute = await join(t, app, 'mute')
  mute.socket.pong = () => {}
  t.equal((await mute.closed).code, 4101)
})
