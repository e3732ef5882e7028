import type { FastifyPluginAsync } from 'fastify'
import { type DialectDescription, type Config, mountRoute } from '../../src/kit.js'
import { admit } from './admit.js'
import { peerjsBridging } from './bridge.js'
import { peerjsHandlers } from './handlers.js'
import { rest } from './rest.js'
import { defaultKey, dialect } from './room.js'
import { encode, errorMessages, frames, sends } from './schema.js'

const plugin: FastifyPluginAsync = async (app) => {
  const { state, signalbox } = app
  const { config, bridge } = signalbox
  await mountRoute(app, '/peerjs', app.speak({
    name: dialect,
    frames,
    sends,
    handlers: peerjsHandlers(state, config, bridge?.of(dialect)),
    errors: { ...errorMessages, frame: (msg) => encode({ type: 'ERROR', payload: { msg } }) },
    unauthorized: encode({ type: 'ERROR', payload: { msg: errorMessages.unauthorized } }),
    // Not pongs: a frozen tab still answers pings, but no offer.
    liveness: { maxFrameGapMs: config.PEERJS_ALIVE_TIMEOUT },
    bridging: peerjsBridging(config),
    open: admit(state, config)
  }))
  await app.register(rest)
}

const prefix = ({ PEERJS_PATH }: Config) => PEERJS_PATH === '/' ? '' : PEERJS_PATH

/** The PeerJS server: peers call each other by id, and may do so shortly before the callee connects. */
export const peerjs: DialectDescription = {
  name: dialect,
  title: 'PeerJS',
  plugin,
  prefix,
  sampleUrl: (config) => `${prefix(config)}/peerjs?key=${defaultKey(config)}&id=alice&token=t`,
  summary: 'Peers call each other by id, and may do so shortly before the other has connected.',
  sampleClient (config) {
    const key = defaultKey(config) === 'peerjs' ? '' : `, key: '${defaultKey(config)}'`
    return `new Peer('alice', { host: '{hostname}', port: {port}, path: '{path}${prefix(config)}/', secure: {secure}${key} })`
  },
  nativePath (path, isUpgrade, config) {
    const base = prefix(config)
    if (!path.startsWith(`${base}/`)) return path === base ? path : undefined
    const rest = path.slice(base.length)
    if (isUpgrade) return /^\/peerjs\/?$/.test(rest) ? path : undefined
    const [, key = '', endpoint] = /^\/([^/]*)\/(id|peers)\/?$/.exec(rest) ?? []
    if (endpoint === undefined) return /^\/(peerjs\/health\/?)?$/.test(rest) ? path : undefined
    // The paths of another dialect begin with its name, which is a wrong key here.
    return config.PEERJS_KEY.includes(decodeURIComponent(key)) ? path : `${base}/-/${endpoint}`
  }
}
