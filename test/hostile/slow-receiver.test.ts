import t, { type Test } from 'tap'
import { build, type Client, connect, type Frame, totals, until } from '../helper.js'
import { slowLine } from './slow-line.js'

interface Told {
  /** Makes a client the peer `id`. */
  enter (t: Test, to: Parameters<typeof connect>[1], id: string, localAddress: string): Promise<Client>
  /** A signal for `reader`. */
  signal (from: string, payload: string): Frame
  isSignal (frame: Frame): boolean
  isRefusal (frame: Frame): boolean
}

let roomId: unknown

const isError = ({ type }: Frame): boolean => type === 'error'

const dialects: Record<string, Told> = {
  drone: {
    async enter (t, to, id, localAddress) {
      const client = await connect(t, to, '/drone', { localAddress })
      client.send({ type: 'register', id })
      await client.nextOf('registered')
      return client
    },
    signal: (_from, sdp) => ({ type: 'offer', target: 'reader', sdp }),
    isSignal: ({ type }) => type === 'offer',
    isRefusal: (frame) => isError(frame) && frame.message === 'Target client not found'
  },
  tom: {
    async enter (t, to, nodeId, localAddress) {
      const client = await connect(t, to, '/tom', { localAddress })
      client.send({ type: 'register', nodeId, username: nodeId })
      await client.nextOf('participants')
      return client
    },
    signal: (from, payload) => ({ type: 'signal', from, to: 'reader', payload }),
    isSignal: ({ type }) => type === 'signal',
    isRefusal: (frame) => isError(frame) && frame.error === 'peer not found'
  },
  psync: {
    async enter (t, to, id, localAddress) {
      const client = await connect(t, to, '/psync/ws', { localAddress })
      client.send({ type: 'register', payload: { peer_id: id, group_id: 'g' } })
      await client.nextOf('peer_list')
      return client
    },
    signal: (source, payload) => ({ type: 'offer', source_id: source, target_id: 'reader', payload }),
    isSignal: ({ type }) => type === 'offer',
    isRefusal: (frame) => isError(frame) && (frame.payload as Frame).message === 'peer not found'
  },
  peerjs: {
    async enter (t, to, id, localAddress) {
      const client = await connect(t, to, `/peerjs?key=peerjs&id=${id}&token=t`, { localAddress })
      await client.nextOf('OPEN')
      return client
    },
    signal: (_from, payload) => ({ type: 'OFFER', dst: 'reader', payload }),
    isSignal: ({ type }) => type === 'OFFER',
    isRefusal: ({ type, src }) => type === 'LEAVE' && src === 'reader'
  },
  rooms: {
    async enter (t, to, id, localAddress) {
      const client = await connect(t, to, '/rooms', { localAddress })
      client.send(id === 'reader' ? { type: 'create' } : { type: 'join', roomId })
      roomId = (await client.nextThat(({ type }) => type === 'room_created' || type === 'room_joined')).roomId
      return client
    },
    signal: (_from, payload) => ({ type: 'signal', payload }),
    isSignal: ({ type }) => type === 'signal',
    isRefusal: (frame) => isError(frame) && frame.message === 'A member reads too slowly'
  }
}

/** Bytes in a signal of who fills the buffer. */
const largeBytes = 65_000
const maxSent = 1000

for (const [name, { enter, signal, isSignal, isRefusal }] of Object.entries(dialects)) {
  t.test(`${name}: a sender within its rate has no slow reader closed, hears what is refused, and leaves room for others`, async (t) => {
    const app = await build(t, { MESSAGE_RATE: '1000000', MESSAGE_BURST: '1000000', MAX_BUFFERED: '262144' })
    const reader = await enter(t, app, 'reader', '127.0.0.1')
    const sender = await enter(t, app, 'sender', '127.0.0.2')
    // Neighbours of the sender have a share, too, and others a larger one.
    const [near, far] = [await enter(t, app, 'near', '127.0.0.2'), await enter(t, app, 'far', '127.0.0.3')]
    const arrived = { large: 0, near: 0, far: 0 }
    reader.socket.on('message', (data) => {
      const frame = JSON.parse(String(data)) as Frame
      if (!isSignal(frame)) return
      const { payload = frame.sdp } = frame
      arrived[payload === 'near' || payload === 'far' ? payload : 'large']++
    })
    const heard = { refused: 0 }
    sender.socket.on('message', (data) => { if (isRefusal(JSON.parse(String(data)) as Frame)) heard.refused++ })

    reader.socket.pause()
    let sent = 0
    for (; heard.refused === 0 && sent < maxSent; sent++) {
      sender.send(signal('sender', 'x'.repeat(largeBytes)))
      await new Promise((resolve) => setImmediate(resolve))
    }
    // It does not stop for being refused.
    for (const last = sent + 20; sent < last; sent++) sender.send(signal('sender', 'x'.repeat(largeBytes)))
    await until(() => heard.refused >= 20)
    for (const [from, client] of Object.entries({ near, far })) {
      client.taken()
      client.send(signal(from, from))
      client.send({ type: 'last' })
      const frame = await client.nextThat((frame) => isRefusal(frame) || /nknown/.test(JSON.stringify(frame)))
      t.notOk(isRefusal(frame), `the signal of another sender is taken: ${from}`)
    }
    reader.socket.resume()
    await until(() => arrived.large + heard.refused === sent && arrived.near + arrived.far === 2)
    t.ok(arrived.large > 0, `${arrived.large} signals arrived, ${heard.refused} were refused`)
    t.equal(totals(app).closed(4100), 0)
    t.equal(reader.socket.readyState, reader.socket.OPEN)
  })
}

t.test('a client that reads slowly, and reads, is not closed for as long as a sender fills its buffer', async (t) => {
  const app = await build(t, { MESSAGE_RATE: '1000000', MESSAGE_BURST: '1000000' })
  const { enter, signal } = dialects.drone as Told
  const reader = await enter(t, await slowLine(t, app, 1_250_000), 'reader', '127.0.0.1')
  const sender = await enter(t, app, 'sender', '127.0.0.2')
  let arrived = 0
  let refused = 0
  reader.socket.on('message', () => { arrived++ })
  sender.socket.on('message', () => { refused++ })
  const startedAt = performance.now()
  // Longer than a client may read nothing.
  while (performance.now() - startedAt < 7000) {
    sender.send(signal('sender', 'x'.repeat(largeBytes)))
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  t.ok(refused > 0, `${arrived} signals arrived, ${refused} were refused`)
  t.equal(reader.socket.readyState, reader.socket.OPEN)
  t.equal(totals(app).closed(4100), 0)
})
