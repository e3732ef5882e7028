import { Type } from '@sinclair/typebox'
import { IdSchema, printable } from '../../src/frame/ids.js'
import { ErrorBody } from '../discovery.js'
import { AuditBody, EndBody, NodesBody, OmittedBody, PeersBody, RoomsBody, SampleBody, TracedBody } from './console-schema.js'
import { DrainBody } from './node-schema.js'
import { ConnectionName, pageSize, RoomName } from './schema.js'

const NodeName = Type.String({ pattern: '^[0-9a-f]{8}$', description: 'Name of a node, as `GET /admin/nodes` has it' })
const Search = Type.Optional(Type.String({ maxLength: 256 }))

const errors = { 401: ErrorBody, 403: ErrorBody }
const own = { config: { anyOrigin: true } }

function schema<Rest extends object> (rest: Rest): Rest & { tags: string[] } {
  return { tags: ['admin'], ...rest }
}

/** A stream of server-sent events, each with a data object of its own. */
function stream (description: string) {
  return { description, content: { 'text/event-stream': { schema: Type.String() } } }
}

/** The bodies of events, for the document, whose lists of names are written here once. */
const eventBodies = { sample: SampleBody, audit: AuditBody, frame: TracedBody, omitted: OmittedBody, end: EndBody }

export const consoleRoutes = {
  nodes: {
    ...own,
    schema: schema({ summary: 'All nodes, and how they do', response: { 200: NodesBody, ...errors } })
  },
  rooms: {
    ...own,
    schema: schema({
      summary: 'Rooms that have peers, on all nodes, the largest first',
      querystring: Type.Object({
        search: Search,
        limit: Type.Integer({ minimum: 1, maximum: pageSize.max, default: pageSize.default })
      }),
      response: { 200: RoomsBody, 400: ErrorBody, ...errors }
    })
  },
  peers: {
    ...own,
    schema: schema({
      summary: 'Peers of a node, and clients that are none yet, in the order in which they connected',
      querystring: Type.Object({
        node: Type.Optional(NodeName),
        dialect: Type.Optional(Type.String({ maxLength: 256 })),
        room: Type.Optional(RoomName),
        search: Search,
        limit: Type.Integer({ minimum: 1, maximum: pageSize.max, default: pageSize.default }),
        after: Type.Optional(ConnectionName)
      }),
      response: { 200: PeersBody, 400: ErrorBody, ...errors, 404: ErrorBody }
    })
  },
  close: {
    ...own,
    schema: schema({
      summary: 'Closes a connection of any node with 1008 and a reason',
      params: Type.Object({ connection: ConnectionName }),
      body: Type.Object({ reason: Type.Optional(Type.String({ maxLength: 123, pattern: printable, description: 'At most 123 bytes' })) }),
      response: { 204: Type.Null({ description: 'Closed' }), 400: ErrorBody, ...errors, 404: ErrorBody }
    })
  },
  drain: {
    ...own,
    schema: schema({
      summary: 'Drains a node: it rejects new clients and closes all connections with 1001 over its DRAIN_MS. Its process keeps running',
      params: Type.Object({ node: NodeName }),
      response: { 202: DrainBody, 400: ErrorBody, ...errors, 404: ErrorBody }
    })
  },
  events: {
    ...own,
    schema: schema({
      summary: 'Server-sent events: a `sample` of each node every second, and `audit` records as they come',
      description: 'A reader that is too slow is told with `omitted` how much it has missed.\n\n' +
        describe('sample', 'audit', 'omitted', 'end'),
      response: { 200: stream('Until the client closes it, or its token expires'), ...errors, 503: ErrorBody }
    })
  },
  follow: {
    ...own,
    schema: schema({
      summary: 'Server-sent events: the frames of a peer, on all nodes, by type, size, sender, receiver and outcome',
      description: `Never a payload. Recorded in the audit trail as \`traced\`.\n\n${describe('frame', 'omitted', 'end')}`,
      querystring: Type.Object({ room: RoomName, id: IdSchema }),
      response: { 200: stream('For ten minutes at most'), 400: ErrorBody, ...errors, 503: ErrorBody }
    })
  }
}

/** The members of events, in Markdown. */
function describe (...names: Array<keyof typeof eventBodies>): string {
  return names.map((name) => {
    const members = Object.entries(eventBodies[name].properties) as Array<[string, { description?: string }]>
    const lines = members.map(([member, { description }]) => `  - \`${member}\`${description === undefined ? '' : `: ${description}`}`)
    return [`- \`${name}\``, ...lines].join('\n')
  }).join('\n')
}
