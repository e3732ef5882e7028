import { type Approach, frame, intrude, type Intruder, text, upgrade } from './intruder.js'

/** What an attack is given. */
export interface Scene {
  readonly approach: Approach
  readonly random: () => number
  /** Names nobody else has. */
  readonly id: string
  tokenFor (claims: object, header?: object): string
  /** ms until everything is over. */
  left (): number
  /** Tells what came of an attempt. */
  saw (outcome: string, times?: number): void
}

export interface Attack {
  readonly name: string
  /** One begins every so many ms, on average. */
  readonly everyMs: number
  /** Over so many addresses. */
  readonly addresses: number
  run (scene: Scene): Promise<void>
}

/** A server that takes nothing for so long does not read. */
const heldMs = 250
const longMs = 35_000
const mediumMs = 10_000

const between = ({ random }: Scene, least: number, most: number): number => least + Math.floor(random() * (most - least + 1))

const pick = <T>({ random }: Scene, all: readonly T[]): T => all[Math.floor(random() * all.length)] as T

/** Comes with a good token: whoever attacks is somebody's user. */
function enter (scene: Scene, path: string, id = scene.id): Intruder {
  return intrude(scene.approach, upgrade(path, scene.tokenFor({ sub: id })))
}

/** The same text again and again, in pieces of 64 KiB. */
function repeated (bytes: Buffer): Buffer {
  return Buffer.concat(Array<Buffer>(Math.max(1, Math.ceil(65_536 / bytes.length))).fill(bytes))
}

async function flood (scene: Scene, path: string, first: Buffer, bytes: Buffer, ms: number, intruder = enter(scene, path)): Promise<void> {
  if (!await intruder.letIn) return scene.saw(await intruder.end)
  intruder.socket.write(first)
  const waited = await intruder.flood(repeated(bytes), Math.min(ms, scene.left()))
  scene.saw(await intruder.leave(waited > heldMs ? 'held back until it left' : 'within the limits'))
}

const registered = {
  drone: (id: string) => text({ type: 'register', id }),
  tom: (id: string) => text({ type: 'register', nodeId: id, username: id }),
  psync: (id: string) => text({ type: 'register', source_id: id, payload: { peer_id: id, group_id: id } })
}

function deep (scene: Scene): Buffer {
  const levels = between(scene, 1_000, 40_000)
  return text(`{"type":"offer","target":"nobody","sdp":${pick(scene, [['[', ']'], ['{"a":', '}']].map(([open = '', close = '']) => open.repeat(levels) + (open === '[' ? '' : '0') + close.repeat(levels)))}}`)
}

/** All there are, in the order of the table. */
export const attacks: readonly Attack[] = [
  {
    name: 'flood of frames',
    everyMs: 3000,
    addresses: 8,
    async run (scene) {
      const { path, first, bytes } = pick(scene, [
        { path: '/drone', first: registered.drone(scene.id), bytes: text({ type: 'ping' }) },
        { path: '/drone', first: registered.drone(scene.id), bytes: text({ type: 'list' }) },
        { path: '/tom', first: registered.tom(scene.id), bytes: text({ type: 'heartbeat' }) },
        { path: '/psync/ws', first: registered.psync(scene.id), bytes: text({ type: 'offer', target_id: 'nobody', payload: 1 }) },
        { path: '/', first: text({ type: 'ping' }), bytes: text('not JSON') }
      ])
      await flood(scene, path, first, bytes, longMs)
    }
  },
  {
    name: 'flood of 100 KB frames',
    everyMs: 4000,
    addresses: 4,
    run: async (scene) => await flood(scene, '/drone', registered.drone(scene.id), text({ type: 'offer', target: pick(scene, ['nobody', scene.id]), sdp: 'x'.repeat(100_000) }), mediumMs)
  },
  {
    name: 'frame beyond MAX_PAYLOAD',
    everyMs: 500,
    addresses: 4,
    async run (scene) {
      const intruder = enter(scene, '/tom')
      if (await intruder.letIn) {
        // In one, or bit by bit.
        if (scene.random() < 0.5) intruder.socket.write(frame(1, '', { length: 2 ** 31 - 1 }))
        else intruder.socket.write(Buffer.concat([frame(1, Buffer.alloc(200_000, 'x'), { isLast: false }), frame(0, Buffer.alloc(100_000, 'x'))]))
        await intruder.wait(scene.left())
      }
      scene.saw(await intruder.leave('not stopped'))
    }
  },
  {
    name: 'headers or body that never end',
    everyMs: 100,
    addresses: 8,
    async run (scene) {
      const intruder = intrude(scene.approach, pick(scene, ['', 'GET /tom HTTP/1.1\r\nHost: siege\r\n', upgrade('/tom').slice(0, -2), 'POST /tom/id HTTP/1.1\r\nHost: siege\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{']))
      while (intruder.socket.writable && scene.left() > 0) {
        await intruder.wait(Math.min(2000, scene.left()))
        intruder.socket.write('x')
      }
      scene.saw(await intruder.leave('not stopped yet'))
    }
  },
  {
    name: 'guess of a room id',
    everyMs: 1000,
    addresses: 4,
    async run (scene) {
      const intruder = enter(scene, '/rooms')
      if (!await intruder.letIn) return scene.saw(await intruder.end)
      intruder.onText = (answer) => scene.saw((JSON.parse(answer) as { message?: string }).message ?? 'found one')
      for (let guess = 0; guess < 20; guess++) intruder.socket.write(text({ type: 'join', roomId: String(between(scene, 1000, 9999)) }))
      await intruder.wait(Math.min(2000, scene.left()))
      await intruder.leave()
    }
  },
  {
    name: 'register, and drop',
    everyMs: 25,
    addresses: 4,
    async run (scene) {
      const { path, first } = pick(scene, [
        { path: '/drone', first: registered.drone(scene.id) },
        { path: '/tom', first: registered.tom(scene.id) },
        { path: '/psync/ws', first: registered.psync(scene.id) },
        { path: '/rooms', first: text({ type: 'create' }) },
        { path: `/peerjs?key=peerjs&id=${scene.id}`, first: text({ type: 'HEARTBEAT' }) }
      ])
      const intruder = enter(scene, path)
      if (await intruder.letIn) intruder.socket.write(first)
      await intruder.wait(between(scene, 0, 50))
      intruder.go('came and went', scene.random() < 0.5)
      scene.saw(await intruder.end)
    }
  },
  {
    name: 'client that does not read',
    everyMs: 2000,
    addresses: 8,
    async run (scene) {
      const [deaf, talker] = [enter(scene, '/drone', `${scene.id}-deaf`), enter(scene, '/drone', `${scene.id}-talker`)]
      if (!await deaf.letIn || !await talker.letIn) return scene.saw(await deaf.leave('its accomplice was not let in'))
      deaf.socket.write(registered.drone(`${scene.id}-deaf`))
      talker.socket.write(registered.drone(`${scene.id}-talker`))
      await deaf.wait(200)
      deaf.socket.pause()
      talker.onText = (answer) => { if (answer.includes('"error"')) talker.go('was told') }
      await talker.flood(text({ type: 'offer', target: `${scene.id}-deaf`, sdp: 'x'.repeat(60_000) }), Math.min(mediumMs, scene.left()))
      await talker.leave()
      // Closed when it has read nothing for 5 s, whatever its accomplice was told. What comes last is why.
      await deaf.wait(Math.min(7000, scene.left()))
      deaf.socket.resume()
      await deaf.wait(2000)
      scene.saw(await deaf.leave('not stopped'))
    }
  },
  {
    name: 'invalid UTF-8',
    everyMs: 200,
    addresses: 8,
    async run (scene) {
      const intruder = enter(scene, '/psync/ws')
      if (await intruder.letIn) {
        intruder.onText = () => intruder.go('answered with an error')
        intruder.socket.write(frame(pick(scene, [1, 2]), Buffer.from([0x7b, 0xc3, 0x28, 0xff, 0x7d])))
        await intruder.wait(Math.min(5000, scene.left()))
      }
      scene.saw(await intruder.leave('not stopped'))
    }
  },
  {
    name: 'flood of tiny fragments',
    everyMs: 2000,
    addresses: 4,
    async run (scene) {
      const bytes = Buffer.concat(Array<Buffer>(8192).fill(frame(0, pick(scene, ['', 'x']), { isLast: false })))
      await flood(scene, '/tom', frame(1, 'x', { isLast: false }), bytes, mediumMs)
    }
  },
  {
    name: 'flood of messages in fragments',
    everyMs: 3000,
    addresses: 4,
    async run (scene) {
      const message = [frame(1, '{', { isLast: false }), ...Array<Buffer>(pick(scene, [200, 10_000])).fill(frame(0, ' ', { isLast: false })), frame(0, '}')]
      await flood(scene, '/tom', registered.tom(scene.id), Buffer.concat(message), mediumMs)
    }
  },
  {
    name: 'flood of pings',
    everyMs: 2000,
    addresses: 4,
    run: async (scene) => await flood(scene, '/tom', registered.tom(scene.id), frame(9, pick(scene, ['', 'x'.repeat(125)])), longMs)
  },
  {
    name: 'flood of pongs',
    everyMs: 2000,
    addresses: 4,
    run: async (scene) => await flood(scene, '/tom', registered.tom(scene.id), frame(10, pick(scene, ['', 'x'.repeat(125)])), longMs)
  },
  {
    name: 'reset while its token is checked',
    everyMs: 50,
    addresses: 16,
    async run (scene) {
      // Of a key that the server does not know, for which it asks the slow key server.
      const token = scene.tokenFor({ sub: scene.id }, pick(scene, [{}, { kid: scene.id }, { kid: scene.id }]))
      const intruder = intrude(scene.approach, upgrade(pick(scene, ['/tom', '/', '/psync/ws', `/peerjs?key=peerjs&id=${scene.id}`]), token))
      await intruder.wait(between(scene, 0, 20))
      intruder.go('went with a reset', true)
      scene.saw(await intruder.end)
    }
  },
  {
    name: 'deeply nested JSON',
    everyMs: 250,
    addresses: 4,
    async run (scene) {
      const intruder = enter(scene, '/drone')
      if (await intruder.letIn) {
        intruder.onText = (answer) => { if (answer.includes('"error"')) intruder.go('answered with an error') }
        intruder.socket.write(registered.drone(scene.id))
        intruder.socket.write(deep(scene))
        await intruder.wait(Math.min(5000, scene.left()))
      }
      scene.saw(await intruder.leave('not stopped'))
    }
  },
  {
    name: 'bad token',
    everyMs: 100,
    addresses: 8,
    async run (scene) {
      const good = scene.tokenFor({ sub: scene.id })
      const token = pick(scene, [
        undefined,
        'x',
        `${good.slice(0, -8)}AAAAAAAA`,
        `${good.split('.', 2).join('.')}.`,
        scene.tokenFor({ sub: scene.id, exp: 1 }),
        scene.tokenFor({ sub: scene.id }, { alg: 'none' }),
        scene.tokenFor({ sub: scene.id }, { alg: 'HS256' }),
        scene.tokenFor({ sub: scene.id }, { kid: scene.id })
      ])
      const intruder = intrude(scene.approach, upgrade(pick(scene, ['/tom', '/drone', '/rooms', '/psync/ws', '/']), token))
      await intruder.wait(Math.min(5000, scene.left()))
      scene.saw(await intruder.leave('not stopped'))
    }
  },
  {
    name: 'flood without a token',
    everyMs: 500,
    addresses: 4,
    // Lets the close pass, and goes on.
    run: async (scene) => await flood(scene, '/tom', Buffer.alloc(0), pick(scene, [frame(10), text({ type: 'heartbeat' }), frame(2, Buffer.alloc(60_000))]), mediumMs, intrude(scene.approach, upgrade('/tom'), true))
  },
  {
    name: 'many sockets of one address',
    everyMs: 20_000,
    addresses: 1,
    async run (scene) {
      const intruders = Array.from({ length: 200 }, (_, at) => enter(scene, '/tom', `${scene.id}-${at}`))
      await Promise.all(intruders.map(async (intruder) => await intruder.wait(Math.min(mediumMs, scene.left()))))
      for (const intruder of intruders) scene.saw(await intruder.leave('let in'))
    }
  },
  {
    name: 'mail for absent peers',
    everyMs: 3000,
    addresses: 4,
    async run (scene) {
      const { id } = scene
      await flood(scene, `/peerjs?key=peerjs&id=${id}`, text({ type: 'HEARTBEAT' }), Buffer.concat(Array.from({ length: 16 }, (_, at) => text({ type: 'OFFER', dst: `nobody-${id}-${at}`, payload: 'x'.repeat(4000) }))), mediumMs)
    }
  },
  {
    name: 'REST call',
    everyMs: 20,
    addresses: 2,
    async run (scene) {
      const intruder = intrude(scene.approach, `GET ${pick(scene, ['/tom/id', '/peerjs/id', '/metrics', '/drone/peers'])} HTTP/1.1\r\nHost: siege\r\nConnection: close\r\n\r\n`)
      await intruder.wait(Math.min(5000, scene.left()))
      scene.saw(await intruder.leave('not answered'))
    }
  }
]
