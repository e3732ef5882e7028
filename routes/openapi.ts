import swagger from '@fastify/swagger'
import fp from 'fastify-plugin'
import { manifest } from '../src/config/manifest.js'

/** What the routes of administrators take; not named by the routes, since the document of an app around would not know it. */
const security = [{ bearer: [] }]

/** `GET /openapi.json`: the REST endpoints. Socket routes hide themselves: their page is the dialect's README. */
export default fp(async (app) => {
  await app.register(swagger, {
    openapi: {
      info: { title: 'Signalbox', description: 'WebRTC signaling in several dialects', version: manifest.version },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } }
    },
    // A plugin's route may have no schema.
    transform: ({ schema = {}, url }) => ({ url, schema: schema.tags?.includes('admin') === true ? { ...schema, security } : schema })
  })
  let document: Buffer | undefined
  app.get('/openapi.json', { onRequest: app.admission, schema: { hide: true } }, async (_request, reply) => {
    // Once for all, and the same bytes for everybody.
    document ??= Buffer.from(JSON.stringify(app.swagger()))
    return await reply.type('application/json; charset=utf-8').send(document)
  })
}, { name: 'docs', fastify: '5.x', dependencies: ['admission'] })
