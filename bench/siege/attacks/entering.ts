import { upgrade } from '../intruder.js'
import { type Attack, between, enter, flood, frame, heard, mediumMs, pick, registered, text } from './scene.js'

/** Who comes: with which token, how often, under which name. */
export const entering: readonly Attack[] = [
  {
    name: 'register and drop',
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
    name: 'reset while its token is checked',
    everyMs: 50,
    addresses: 16,
    async run (scene) {
      // Of a key that the server does not know, for which it asks the slow key server.
      const token = scene.tokenFor({ sub: scene.id }, pick(scene, [{}, { kid: scene.id }, { kid: scene.id }]))
      const intruder = scene.intrude(upgrade(pick(scene, ['/tom', '/', '/psync/ws', `/peerjs?key=peerjs&id=${scene.id}`]), token))
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
      const intruder = scene.intrude(upgrade(pick(scene, ['/tom', '/drone', '/rooms', '/psync/ws', '/']), token))
      await intruder.wait(Math.min(5000, scene.left()))
      scene.saw(await intruder.leave('not stopped'))
    }
  },
  {
    name: 'flood without a token',
    everyMs: 500,
    addresses: 4,
    // Lets the close pass, and goes on.
    run: async (scene) => await flood(scene, '/tom', Buffer.alloc(0), pick(scene, [frame(10), text({ type: 'heartbeat' }), frame(2, Buffer.alloc(60_000))]), mediumMs, scene.intrude(upgrade('/tom'), { isDeaf: true }))
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
      const id = JSON.parse(`"${scene.id}${bad}"`) as string
      const { path, first } = pick(scene, [
        { path: '/drone', first: `{"type":"register","id":"${scene.id}${bad}"}` },
        { path: '/tom', first: `{"type":"register","nodeId":"${scene.id}${bad}","username":"x"}` },
        { path: '/psync/ws', first: `{"type":"register","source_id":"${scene.id}${bad}","payload":{"peer_id":"${scene.id}${bad}","group_id":"g"}}` },
        { path: '/psync/ws', first: `{"type":"register","source_id":"${scene.id}","payload":{"peer_id":"${scene.id}","group_id":"g${bad}"}}` },
        { path: '/drone', first: `{"type":"offer","target":"${scene.id}${bad}","sdp":"x"}` }
      ])
      const intruder = scene.intrude(upgrade(path, scene.tokenFor({ sub: scene.id, ids: ['*', id] })))
      if (!await intruder.letIn) return scene.saw(await intruder.end)
      const answer = heard(intruder, () => true, Math.min(5000, scene.left()))
      intruder.socket.write(text(first))
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
      const intruders = Array.from({ length: 90 }, () => enter(scene, '/rooms'))
      await Promise.all(intruders.map(async (intruder) => {
        if (!await intruder.letIn) return scene.saw(await intruder.end)
        intruder.onText = (answer) => scene.saw((JSON.parse(answer) as { type: string, message?: string }).message ?? 'created')
        // All but the last of them stay behind empty.
        intruder.socket.write(Buffer.concat(Array<Buffer>(50).fill(text({ type: 'create' }))))
        await intruder.wait(Math.min(2000, scene.left()))
        await intruder.leave()
      }))
    }
  }
]
