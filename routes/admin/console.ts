import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { consoleAccess } from './access.js'
import { ClusterView } from './cluster.js'
import { disconnectReason } from './connections.js'
import { consoleRoutes as routes } from './console-routes.js'
import type { RoomSummary } from './console-schema.js'
import { maxStreams, Streams } from './streams.js'

const maxReasonBytes = 123

const noSuchNode = { error: 'no such node' }
const noSuchConnection = { error: 'no such connection' }
const tooMany = { error: `more than ${maxStreams} streams are open on this node` }

/** What the console is made of: all nodes, their rooms and peers, and what happens there. */
export const consoleApi: FastifyPluginAsyncTypebox = async (app) => {
  const { dialects } = app.signalbox
  const { onRequest, operatorOf } = consoleAccess(app)
  const cluster = new ClusterView(app)
  const streams = new Streams(app, cluster)
  for (const hook of onRequest) app.addHook('onRequest', hook)
  app.addHook('preClose', async () => streams.close())
  app.addHook('onClose', async () => cluster.close())

  app.get('/nodes', routes.nodes, async () => {
    const { answers, silent } = await cluster.askOthers('node', () => ({}))
    const nodes = [cluster.askHere('node', {}), ...answers.map(({ answer }) => answer)]
    return { here: cluster.here, nodes, silent: silent ?? 0, isComplete: silent !== undefined }
  })

  app.get('/rooms', routes.rooms, async ({ query: { search = '', limit } }) => {
    const { answers } = await cluster.askOthers('rooms', () => ({ search }))
    const rooms = new Map<string, RoomSummary>()
    let untold = 0
    for (const told of [cluster.askHere('rooms', { search }), ...answers.map(({ answer }) => answer)]) {
      untold += told.others
      for (const [room, count] of told.rooms) {
        const { peers = 0, nodes = 0 } = rooms.get(room) ?? {}
        rooms.set(room, { room, dialect: room.split('/', 1)[0] as string, peers: peers + count, nodes: nodes + 1 })
      }
    }
    const sorted = [...rooms.values()].sort((one, other) => other.peers - one.peers || (one.room < other.room ? -1 : 1))
    return { rooms: sorted.slice(0, limit), total: sorted.length + untold }
  })

  app.get('/peers', routes.peers, async ({ query: { node, after, dialect, ...wanted } }, reply) => {
    if (dialect !== undefined && !dialects.has(dialect)) {
      return await reply.code(400).send({ error: `querystring/dialect must be one of ${[...dialects.keys()].join(', ')}` })
    }
    const [of = node ?? cluster.here, number = '0'] = after?.split('-') ?? []
    if (node !== undefined && of !== node) {
      return await reply.code(400).send({ error: 'querystring/after must be a connection of this node' })
    }
    const page = await cluster.askOne(of, 'peers', { ...wanted, dialect, after: Number(number) })
    return page ?? await reply.code(404).send(noSuchNode)
  })

  app.post('/connections/:connection/close', routes.close, async (request, reply) => {
    const { params: { connection }, body: { reason = disconnectReason } } = request
    if (Buffer.byteLength(reason) > maxReasonBytes) {
      return await reply.code(400).send({ error: `body/reason must NOT have more than ${maxReasonBytes} bytes` })
    }
    const [node = '', number] = connection.split('-')
    const isClosed = await cluster.askOne(node, 'close', { number: Number(number), reason, by: operatorOf(request).by })
    return isClosed === true ? await reply.code(204).send(null) : await reply.code(404).send(noSuchConnection)
  })

  app.post('/nodes/:node/drain', routes.drain, async (request, reply) => {
    const draining = await cluster.askOne(request.params.node, 'drain', { by: operatorOf(request).by })
    return draining === undefined ? await reply.code(404).send(noSuchNode) : await reply.code(202).send(draining)
  })

  app.get('/events', routes.events, async (request, reply) => {
    if (streams.isFull) return await reply.code(503).send(tooMany)
    return await streams.events(reply, operatorOf(request))
  })

  app.get('/follow', routes.follow, async (request, reply) => {
    if (streams.isFull) return await reply.code(503).send(tooMany)
    return await streams.follow(reply, operatorOf(request), request.query)
  })
}
