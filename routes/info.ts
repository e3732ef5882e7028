import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { manifest } from '../src/config/manifest.js'
import type { DialectDescription } from './dialect.js'
import { type Info, InfoBody } from './info-schema.js'

/** `GET /info`: what runs here, and how its clients connect. */
export const info: FastifyPluginAsyncTypebox<{ descriptions: ReadonlyMap<string, DialectDescription> }> = async (app, options) => {
  const { config, auth } = app.signalbox
  const dialects = (config.DIALECTS ?? []).map((dialect) => {
    const { name, title, summary, sampleUrl, sampleClient } = options.descriptions.get(dialect) as DialectDescription
    return { name, title, summary, url: sampleUrl(config), ...(sampleClient !== undefined && { client: sampleClient(config) }) }
  })
  const body: Info = {
    version: manifest.version,
    dialects,
    auth: !auth.isOpen,
    stun: config.STUN_URLS.length > 0,
    turn: config.TURN_URLS.length > 0
  }
  app.get('/info', { onRequest: app.admission, schema: { response: { 200: InfoBody } } }, () => body)
}
