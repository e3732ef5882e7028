import type { FastifyPluginAsync } from 'fastify'

/** The pages below `web/`, but for the landing page, which is at the bare root. */
const pages: readonly string[] = ['demo', 'test', 'console', 'docs']

/** The pages for people, and what they load. */
export const web: FastifyPluginAsync = async (app) => {
  const options = { onRequest: app.admission, schema: { hide: true } }
  for (const page of pages) app.get(`/${page}`, options, async (_request, reply) => await reply.sendPage(page))
  const assetOptions = { ...options, config: { anyOrigin: true } }
  app.get<{ Params: { '*': string } }>('/assets/*', assetOptions, ({ params }, reply) => reply.sendAsset(params['*']))
}
