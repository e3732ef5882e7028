import t from 'tap'
import { build, connect } from '../helper.js'
import { bytesReadBy, crowd } from './crowd.js'

/** What a frame causes beyond this counts as another frame. */
const bytesPerToken = 16_384
const rate = 100
const burst = 100
const size = 150
const warmUpMs = 1_000
const measuredMs = 2_000

interface Attack {
  path: string | ((at: number) => string)
  words: (at: number, roomId?: unknown) => unknown[]
  /** The attacker's frame. It is the first of all. */
  frame: (count: number) => unknown
}

const drone = { path: '/drone', words: (at: number) => [{ type: 'register', id: `n${at}` }] }
const tom = { path: '/tom', words: (at: number) => [{ type: 'register', nodeId: `n${at}`, username: 'u' }] }
const psync = { path: '/psync/ws', words: (at: number) => [{ type: 'register', payload: { peer_id: `n${at}`, group_id: 'g' } }] }
const rooms = { path: '/rooms', words: (_at: number, roomId: unknown) => [{ type: 'join', roomId }] }
const peerjs = { path: (at: number) => `/peerjs?key=peerjs&id=n${at}&token=t`, words: () => [] }

const attacks: Record<string, Attack> = {
  'tom: heartbeats': { ...tom, frame: () => ({ type: 'heartbeat' }) },
  'tom: the most and longest roles': { ...tom, frame: () => ({ type: 'role-assign', nodeId: 'n0', roles: Array(64).fill('r'.repeat(64)) }) },
  'tom: registering again': { ...tom, frame: () => ({ type: 'register', nodeId: 'n0', username: 'u' }) },
  'tom: registering under another id, with the longest keys': {
    ...tom,
    frame: (count) => ({ type: 'register', nodeId: `m${count}`, username: 'u'.repeat(256), publicKey: '"'.repeat(1024), encryptionKey: '"'.repeat(1024) })
  },
  'psync: registering again': { ...psync, frame: () => psync.words(0)[0] },
  'psync: registering under another id': { ...psync, frame: (count) => ({ type: 'register', payload: { peer_id: `${'m'.repeat(200)}${count}`, group_id: 'g' } }) },
  'drone: registering under another id': { ...drone, frame: (count) => ({ type: 'register', id: `m${count}` }) },
  'drone: lists': { ...drone, frame: () => ({ type: 'list' }) },
  'rooms: small signals': { ...rooms, frame: () => ({ type: 'signal', payload: 0 }) },
  'rooms: signals of 3 KiB': { ...rooms, frame: () => ({ type: 'signal', payload: 'x'.repeat(3072) }) },
  'peerjs: signals': { ...peerjs, frame: () => ({ type: 'OFFER', dst: 'n1', payload: 0 }) }
}

t.jobs = 4
for (const [name, { path, words, frame }] of Object.entries(attacks)) {
  t.test(`${name}: a client at full speed has no more than 16 KiB sent for each frame that it may send`, { buffered: true }, async (t) => {
    const app = await build(t, { MESSAGE_RATE: String(rate), MESSAGE_BURST: String(burst), ROOM_MAX_CLIENTS: String(size + 1), PSYNC_PEER_LEFT: 'true' })
    let roomId: unknown
    if (path === '/rooms') {
      const host = await connect(t, app, path)
      host.send({ type: 'create' })
      roomId = (await host.nextOf('room_created')).roomId
    }
    const members = await crowd(t, app, size, path, (at) => words(at, roomId))
    const [{ socket, send }] = members as [typeof members[number]]
    let count = 0
    let isOver = false
    const flood = (): void => {
      if (isOver) return
      // What the kernel takes is more than is ever read.
      if (socket.writableLength < 65_536) send(...Array.from({ length: 50 }, () => frame(count++)))
      setImmediate(flood)
    }
    flood()
    const pass = async (ms: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, ms))
    // In which its burst is spent.
    await pass(warmUpMs)
    const before = bytesReadBy(members)
    const startedAt = performance.now()
    await pass(measuredMs)
    const seconds = (performance.now() - startedAt) / 1000
    const out = (bytesReadBy(members) - before) / seconds
    isOver = true
    // The last frame may cost more than there was.
    const most = rate * bytesPerToken + burst * bytesPerToken / seconds
    t.ok(out > 0 && out <= most, `${Math.round(out / 1024)} KiB a second, at most ${Math.round(most / 1024)}`)
  })
}
