import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { manifest } from '../src/config/manifest.js'
import type { Config } from '../src/config/schema.js'
import type { DialectDescription } from './dialect.js'
import { type Info, InfoBody } from './info-schema.js'

/** What runs with these settings. */
export function infoOf (config: Config, isOpen: boolean, descriptions: ReadonlyMap<string, DialectDescription>): Info {
  const dialects = (config.DIALECTS ?? []).map((dialect) => {
    const { name, title, summary, overHttp, sampleUrl, sampleClient } = descriptions.get(dialect) as DialectDescription
    return {
      name,
      title,
      summary,
      url: sampleUrl(config),
      ...(overHttp !== undefined && { overHttp }),
      ...(sampleClient !== undefined && { client: sampleClient(config) })
    }
  })
  return {
    version: manifest.version,
    dialects,
    bridge: [...config.BRIDGE],
    auth: !isOpen,
    heartbeatMs: config.HEARTBEAT_INTERVAL,
    stun: config.STUN_URLS.length > 0,
    turn: config.TURN_URLS.length > 0
  }
}

/** `GET /info`: what runs here, and how its clients connect. */
export const info: FastifyPluginAsyncTypebox<{ descriptions: ReadonlyMap<string, DialectDescription> }> = async (app, { descriptions }) => {
  const { config, auth } = app.signalbox
  const body = infoOf(config, auth.isOpen, descriptions)
  const schema = { tags: ['server'], summary: 'What runs here, and how its clients connect', response: { 200: InfoBody } }
  app.get('/info', { onRequest: app.admission, schema }, () => body)
}
