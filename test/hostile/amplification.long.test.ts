import t from 'tap'
import { build, type Frame } from '../helper.js'
import type { ClientDialect } from '../../src/testing/dialect.js'
import { clients } from '../../src/testing/clients.js'
import { enter } from '../../src/testing/actors.js'
import { builtIn, type Subject } from '../routes/dialects.js'
import { bytesReadBy, crowd } from './crowd.js'

/** What a frame causes beyond this counts as another frame. */
const bytesPerToken = 16_384
const rate = 100
const burst = 100
const size = 150
const warmUpMs = 1_000
const measuredMs = 2_000

interface Attack {
  dialect: ClientDialect
  /** The frame that the attacker, the first of all peers, sends at full speed. */
  frame: (count: number) => Frame
}

const { drone, tom, psync, rooms, peerjs } = clients

const attacks: Record<string, Attack> = {
  'tom: heartbeats': { dialect: tom, frame: () => ({ type: 'heartbeat' }) },
  'tom: the most and longest roles': {
    dialect: tom,
    frame: () => ({ type: 'role-assign', nodeId: 'n0', roles: Array(64).fill('r'.repeat(64)) })
  },
  'tom: registering again': { dialect: tom, frame: () => tom.registration('n0')[0] as Frame },
  'tom: registering under another id, with the longest keys': {
    dialect: tom,
    frame: (count) => ({
      type: 'register',
      nodeId: `m${count}`,
      username: 'u'.repeat(256),
      publicKey: '"'.repeat(1024),
      encryptionKey: '"'.repeat(1024)
    })
  },
  'psync: registering again': { dialect: psync, frame: () => psync.registration('n0')[0] as Frame },
  'psync: registering under another id': {
    dialect: psync,
    frame: (count) => ({ type: 'register', payload: { peer_id: `${'m'.repeat(200)}${count}`, group_id: 'here' } })
  },
  'drone: registering under another id': { dialect: drone, frame: (count) => drone.registration(`m${count}`)[0] as Frame },
  'drone: lists': { dialect: drone, frame: () => ({ type: 'list' }) },
  'rooms: small signals': { dialect: rooms, frame: () => rooms.offer('', '', 0) },
  'rooms: signals of 3 KiB': { dialect: rooms, frame: () => rooms.offer('', '', 'x'.repeat(3072)) },
  'peerjs: signals': { dialect: peerjs, frame: () => peerjs.offer('n0', 'n1', 0) }
}

t.jobs = 4
for (const [name, { dialect, frame }] of Object.entries(attacks)) {
  t.test(`${name}: a client at full speed has no more than 16 KiB sent for each frame that it may send`, { buffered: true }, async (t) => {
    const app = await build(
      t,
      { MESSAGE_RATE: String(rate), MESSAGE_BURST: String(burst), ROOM_MAX_CLIENTS: String(size + 1), PSYNC_PEER_LEFT: 'true' }
    )
    const host = builtIn.find(({ takesNames }) => !takesNames) as Subject
    const place = dialect.takesNames ? 'here' : (await enter(t, app, host, 'host')).place
    const members = await crowd(t, app, size, (at) => dialect.path(`n${at}`), (at) => dialect.registration(`n${at}`, place))
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
    // The last frame may cost more than there was, and some of what is read was sent before the time began.
    const most = 1.05 * (rate * bytesPerToken + burst * bytesPerToken / seconds)
    t.ok(out > 0 && out <= most, `${Math.round(out / 1024)} KiB a second, at most ${Math.round(most / 1024)}`)
  })
}
