import { clients } from '../../../src/testing/clients.js'
import {
  ask, type Attack, between, encodeFrame, enter, flood, heard, mediumMs, peerjsClient, pick, registered, textFrame, unregistered,
  upgradeRequest
} from './scene.js'

/** Connections: with which token, how often, under which name. */
export const entering: readonly Attack[] = [
  {
    name: 'register and drop',
    everyMs: 25,
    addresses: 4,
    async run (scene) {
      const dialect = pick(scene, [clients.drone, clients.tom, clients.psync, clients.rooms, clients.peerjs])
      const { path, first } = dialect === clients.peerjs ? peerjsClient(scene.id) : registered(dialect, scene.id)
      const intruder = enter(scene, path)
      if (await intruder.letIn) intruder.socket.write(first)
      await intruder.wait(between(scene, 0, 50))
      intruder.go('came and went', scene.random() < 0.5)
      scene.saw(await intruder.end)
    }
  },
  {
    name: 'reset while its token is checked',
    everyMs: 50,
    addresses: 16,
    async run (scene) {
      // The server does not know the key, so it asks the slow key server.
      const token = scene.tokenFor({ sub: scene.id }, pick(scene, [{}, { kid: scene.id }, { kid: scene.id }]))
      const path = pick(scene, ['/tom', '/', '/psync/ws', peerjsClient(scene.id).path])
      const intruder = scene.intrude(upgradeRequest(path, { token }))
      await intruder.wait(between(scene, 0, 20))
      intruder.go('went with a reset', true)
      scene.saw(await intruder.end)
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
      const intruder = scene.intrude(upgradeRequest(pick(scene, ['/tom', '/drone', '/rooms', '/psync/ws', '/']), { token }))
      await intruder.wait(Math.min(5000, scene.left()))
      scene.saw(await intruder.leave('not stopped'))
    }
  },
  {
    name: 'flood without a token',
    everyMs: 500,
    addresses: 4,
    async run (scene) {
      const bytes = pick(scene, [encodeFrame(10), textFrame({ type: 'heartbeat' }), encodeFrame(2, Buffer.alloc(60_000))])
      // Ignores the close, and goes on.
      const intruder = scene.intrude(upgradeRequest('/tom'), { isDeaf: true })
      await flood(scene, unregistered('/tom'), bytes, mediumMs, intruder)
    }
  },
  {
    name: 'many sockets of one address',
    everyMs: 20_000,
    addresses: 1,
    async run (scene) {
      const intruders = Array.from({ length: 200 }, () => enter(scene, '/tom'))
      await Promise.all(intruders.map(async (intruder) => await intruder.wait(Math.min(mediumMs, scene.left()))))
      for (const intruder of intruders) scene.saw(await intruder.leave('let in'))
    }
  },
  {
    name: 'id that does not survive encoding',
    everyMs: 500,
    addresses: 4,
    async run (scene) {
      const bad = pick(scene, ['\\ud800', '\\udfff', 'a\\udc00\\ud800', '\\u0000', '\\n', '\\u009f'])
      // Written as an escape: the encoder would replace half a surrogate pair.
      const [id, group] = [`${scene.id}${bad}`, `g${bad}`]
      const { path, first } = pick(scene, [
        { path: '/drone', first: `{"type":"register","id":"${id}"}` },
        { path: '/tom', first: `{"type":"register","nodeId":"${id}","username":"x"}` },
        { path: '/psync/ws', first: `{"type":"register","source_id":"${id}","payload":{"peer_id":"${id}","group_id":"g"}}` },
        { path: '/psync/ws', first: `{"type":"register","payload":{"peer_id":"${scene.id}","group_id":"${group}"}}` },
        { path: '/drone', first: `{"type":"offer","target":"${id}","sdp":"x"}` }
      ])
      const ids = ['*', JSON.parse(`"${id}"`) as string]
      const intruder = scene.intrude(upgradeRequest(path, { token: scene.tokenFor({ sub: scene.id, ids }) }))
      if (!await intruder.letIn) return scene.saw(await intruder.end)
      const answer = heard(intruder, () => true, Math.min(5000, scene.left()))
      intruder.socket.write(textFrame(first))
      const told = await answer
      if (told === undefined) scene.saw('not answered')
      else if (/"type":"(registered|participants|presence|peer_list)"/.test(told)) scene.harmed('registered')
      else scene.saw('answered with an error')
      await intruder.leave()
    }
  },
  {
    name: 'flood of created rooms',
    everyMs: 1000,
    addresses: 16,
    async run (scene) {
      // All but the last of a client's rooms stay behind empty.
      const frames = Array<Buffer>(50).fill(textFrame({ type: 'create' }))
      await Promise.all(Array.from({ length: 90 }, async () => await ask(scene, unregistered('/rooms'), frames, 'created')))
    }
  }
]
