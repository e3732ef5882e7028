import swagger from '@fastify/swagger'
import fp from 'fastify-plugin'
import { version } from '../src/version.js'

/** `GET /openapi.json`: the REST endpoints. Socket routes hide themselves: their page is the dialect's README. */
export default fp(async (app) => {
  await app.register(swagger, {
    openapi: {
      info: { title: 'Signalbox', description: 'WebRTC signaling in several dialects', version }
    }
  })
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
}, { name: 'docs', fastify: '5.x' })
