import swagger from '@fastify/swagger'
import type { FastifySchema, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import { manifest } from '../src/config/manifest.js'
import type { DialectDescription } from './dialect.js'

/** What the routes of administrators take; not named by the routes, since the document of an app around would not know it. */
const security = [{ bearer: [] }]

const isAdmins = ({ tags = [] }: FastifySchema) => tags.includes('admin')

/** What Fastify tells of a route, too. */
interface RoutePath {
  /** Without the prefix. */
  readonly routePath?: string
}

/** Puts a route under tags of the document, unless it has its own. */
export function tagRoute (route: RouteOptions, tags: readonly string[]): void {
  route.schema = { tags, ...route.schema }
}

export interface OpenapiOptions {
  readonly descriptions: ReadonlyMap<string, DialectDescription>
}

/** `GET /openapi.json`: the REST endpoints. Socket routes hide themselves: their frames are in `/asyncapi.json`. */
export default fp<OpenapiOptions>(async (app, { descriptions }) => {
  const { DIALECTS = [] } = app.signalbox.config
  const dialects = DIALECTS.map((name) => descriptions.get(name) as DialectDescription)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Signalbox',
        description: 'WebRTC signaling in several dialects: the REST endpoints. What goes over the sockets is in `/asyncapi.json`.',
        version: manifest.version,
        license: { name: 'MIT', identifier: 'MIT' }
      },
      tags: [
        { name: 'server', description: 'What clients and monitors ask the server itself' },
        ...dialects.map(({ name, title, summary }) => ({ name, description: `${title}. ${summary}` })),
        { name: 'admin', description: 'For tokens with the role `admin`' }
      ],
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } }
    },
    // A plugin's route may have no schema. The root of a prefix answers with and without a slash, and is listed once.
    transform: ({ schema = {}, url, route }) => ({
      url: (route as RouteOptions & RoutePath).routePath === '/' ? url.replace(/(.)\/$/, '$1') : url,
      schema: isAdmins(schema) ? { ...schema, security } : schema
    })
  })
  let document: Buffer | undefined
  app.get('/openapi.json', { onRequest: app.admission, schema: { hide: true } }, async (_request, reply) => {
    // Once for all, and the same bytes for everybody.
    document ??= Buffer.from(JSON.stringify(app.swagger()))
    return await reply.type('application/json; charset=utf-8').send(document)
  })
}, { name: 'docs', fastify: '5.x', dependencies: ['signalbox', 'admission'] })
