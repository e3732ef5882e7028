import swaggerUi from '@fastify/swagger-ui'
import type { FastifyPluginAsync } from 'fastify'

/** The pages below `web/`, but for the landing page, which is at the bare root. */
const pages: readonly string[] = ['demo', 'test', 'console']

/** Of @fastify/swagger-ui's page. The hash is that of an image's style, which it has inline. */
const docsPolicy = {
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'", "'unsafe-hashes'", "'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='"],
  'img-src': ["'self'", 'data:'],
  'connect-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"]
}

/** Without a bar for other documents: ours is the only one. */
const uiConfig = { layout: 'BaseLayout' }

/** The pages for people, and what they load. */
export const web: FastifyPluginAsync = async (app) => {
  const options = { onRequest: app.admission, schema: { hide: true } }
  for (const page of pages) app.get(`/${page}`, options, async (_request, reply) => await reply.sendPage(page))
  const assetOptions = { ...options, config: { anyOrigin: true } }
  app.get<{ Params: { '*': string } }>('/assets/*', assetOptions, ({ params }, reply) => reply.sendAsset(params['*']))
  await app.register(async (app) => {
    app.addHook('onRoute', app.admitRoute)
    const { pagesIcon: content } = app
    const favicon = content === undefined ? [] : [{ filename: 'icon.svg', rel: 'icon', type: 'image/svg+xml', sizes: 'any', content }]
    await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: docsPolicy, uiConfig, theme: { title: 'Signalbox API', favicon } })
  })
}
