import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { connect } from '../helper.js'
import { countersOf, eventually, nodesOn, signal, tomPeer } from './nodes.js'

const frames = 10_000
const fast = { MESSAGE_RATE: '1000000', MESSAGE_BURST: '1000000', MAX_BUFFERED: '67108864' }

t.test('10 000 tom signals reach a node of another process in order and complete', async (t) => {
  const { apps: [one, other] } = await nodesOn(t, 2, fast)
  const sender = await tomPeer(t, one as FastifyInstance, 'a')
  const receiver = await tomPeer(t, other as FastifyInstance, 'b')
  for (let at = 0; at < frames; at++) sender.send(signal('a', 'b', at))
  for (let at = 0; at < frames; at++) {
    const { payload } = await receiver.nextOf('signal')
    if (payload !== at) return t.equal(payload, at)
  }
  t.same(countersOf(other as FastifyInstance).framesDropped, 0)
})

t.test('10 000 PeerJS candidates reach a peer on another node in order and complete', async (t) => {
  const { apps: [one, other] } = await nodesOn(t, 2, fast)
  const sender = await connect(t, one as FastifyInstance, '/peerjs?key=peerjs&id=a&token=t')
  const receiver = await connect(t, other as FastifyInstance, '/peerjs?key=peerjs&id=b&token=t')
  await sender.nextOf('OPEN')
  await receiver.nextOf('OPEN')
  for (let at = 0; at < frames; at++) sender.send({ type: 'CANDIDATE', dst: 'b', payload: at })
  for (let at = 0; at < frames; at++) {
    const { payload } = await receiver.nextOf('CANDIDATE')
    if (payload !== at) return t.equal(payload, at)
  }
  t.same(sender.taken(), [])
})

t.test('what a client says in one write and then hangs up is heard, though each frame waits for Redis', async (t) => {
  const { apps: [one, other] } = await nodesOn(t, 2, fast)
  const receiver = await tomPeer(t, other as FastifyInstance, 'b')
  for (let round = 0; round < 20; round++) {
    const hasty = await connect(t, one as FastifyInstance, '/tom')
    const stream = (hasty.socket as unknown as { _socket: Socket })._socket
    stream.cork()
    hasty.send({ type: 'register', nodeId: `a${round}`, username: 'A' })
    for (let at = 0; at < 3; at++) hasty.send(signal(`a${round}`, 'b', at))
    hasty.socket.close()
    stream.uncork()
    for (let at = 0; at < 3; at++) t.match(await receiver.nextOf('signal'), { from: `a${round}`, payload: at })
    await hasty.closed
  }
  await eventually(async () => (await (one as FastifyInstance).state.peers.list('tom')).length === 1)
})

t.test('signals of one turn for peers of several nodes, and for nobody, each get where they belong', async (t) => {
  const { apps } = await nodesOn(t, 3)
  const [one, two, three] = apps as [FastifyInstance, FastifyInstance, FastifyInstance]
  await tomPeer(t, one, 'a')
  const receivers = { b: await tomPeer(t, two, 'b'), c: await tomPeer(t, three, 'c'), d: await tomPeer(t, three, 'd') }
  const turn = ['b', 'b', 'c', 'nobody', 'c', 'd', 'b', 'nobody', 'd', 'c', 'c', 'b']
  const { relay } = one.state
  const outcomes = await Promise.all(turn.map((to, at) => relay.send('tom', to, JSON.stringify(signal('ä', to, at)))))
  t.same(outcomes, turn.map((to) => to === 'nobody' ? 'absent' : 'sent'))
  for (const [to, receiver] of Object.entries(receivers)) {
    for (const [at, name] of turn.entries()) if (name === to) t.match(await receiver.nextOf('signal'), { to, payload: at })
  }
})

t.test('what is for all comes after the signal sent before it, on another node too', async (t) => {
  const { apps: [one, other] } = await nodesOn(t, 2)
  await tomPeer(t, one as FastifyInstance, 'a')
  const receiver = await tomPeer(t, other as FastifyInstance, 'b')
  const { relay } = (one as FastifyInstance).state
  const tell = (payload: string) => JSON.stringify({ type: 'signal', payload })
  // In one turn, in which Redis is being asked for something already.
  const asked = [
    relay.broadcast('tom', tell("another's")), relay.send('tom', 'b', tell('signal'), 'a'), relay.broadcast('tom', tell('for all'))
  ]
  t.same(await Promise.all(asked), [2, 'sent', 2])
  const heard = []
  while (heard.length < asked.length) heard.push((await receiver.nextOf('signal')).payload)
  t.same(heard.filter((payload) => payload !== "another's"), ['signal', 'for all'])
})

t.test('each signal for a peer that vanishes meanwhile is delivered or answered with an error', async (t) => {
  const { apps: [one, other] } = await nodesOn(t, 2, fast)
  const sender = await tomPeer(t, one as FastifyInstance, 'a')
  const receiver = await tomPeer(t, other as FastifyInstance, 'b')
  const sent = 3_000
  let delivered = 0
  let refused = 0
  receiver.socket.on('message', (data) => { if (String(data).includes('"signal"') && ++delivered === sent / 3) receiver.socket.close() })
  sender.socket.on('message', (data) => { if (String(data).includes('peer not found')) refused++ })
  for (let at = 0; at < sent; at++) sender.send(signal('a', 'b', at))
  await receiver.closed
  await eventually(() => delivered + refused >= sent)
  t.equal(delivered + refused, sent)
  t.ok(refused >= countersOf(other as FastifyInstance).framesDropped, 'what its node had to drop is counted there')
})

t.test('a PeerJS client that goes on sending to a peer that vanished is told so', async (t) => {
  const { apps: [one, other] } = await nodesOn(t, 2, { ...fast, PEERJS_EXPIRE_TIMEOUT: '500' })
  const sender = await connect(t, one as FastifyInstance, '/peerjs?key=peerjs&id=a&token=t')
  const receiver = await connect(t, other as FastifyInstance, '/peerjs?key=peerjs&id=b&token=t')
  await sender.nextOf('OPEN')
  await receiver.nextOf('OPEN')
  for (let at = 0; at < 20; at++) {
    sender.send({ type: 'CANDIDATE', dst: 'b', payload: at })
    if (at === 10) receiver.socket.close()
  }
  await receiver.closed
  t.match(await sender.nextThat(({ type }) => type === 'EXPIRE' || type === 'LEAVE'), { src: 'b' })
})
