import type { FastifyPluginAsync } from 'fastify'
import type { CompiledDialect } from '../src/dialect/dialect.js'
import type { JsonObject } from '../src/frame/parse.js'
import { Frame } from '../src/frame/bytes.js'
import { banner } from './peerjs/rest.js'

const has = (frame: JsonObject, name: string) => Object.hasOwn(frame, name)
const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Recognises the first frame of each dialect's clients. The first row that fits decides. */
const signatures: ReadonlyArray<readonly [fits: (frame: JsonObject) => boolean, dialect: string]> = [
  [({ type }) => type === 'create' || type === 'join', 'rooms'],
  [(frame) => frame.type === 'register' && (has(frame, 'nodeId') || has(frame, 'username')), 'tom'],
  [(frame) => frame.type === 'register' && (has(frame, 'source_id') || isObject(frame.payload)), 'psync'],
  [(frame) => frame.type === 'register' && has(frame, 'id'), 'drone'],
  [(frame) => frame.type === 'ping' || frame.type === 'list' || has(frame, 'target'), 'drone'],
  [(frame) => has(frame, 'source_id'), 'psync'],
  [({ type }) => type === 'heartbeat' || type === 'role-assign', 'tom'],
  [(frame) => frame.type === 'signal' && (has(frame, 'from') || has(frame, 'to')), 'tom']
]

const unknown = new Frame('error', JSON.stringify({ type: 'error', error: 'unknown dialect', message: 'unknown dialect' }))

/**
 * The bare root, where unmodified clients of several dialects connect. Their first frame selects one of the dialects that are
 * turned on. Other files name the dialects too, but only this one recognises them by their frames.
 */
export const bareRoot: FastifyPluginAsync = async (app) => {
  const { config, dialects } = app.signalbox

  function choose (frame: unknown): CompiledDialect | undefined {
    if (frame === undefined) return undefined
    const signature = signatures.find(([fits]) => fits(frame as JsonObject))
    return signature === undefined ? undefined : dialects.get(signature[1])
  }

  const speaks = app.speakAs({ choose, unknown })
  const hasBanner = config.DIALECTS.includes('peerjs') && config.PEERJS_PATH === '/'
  app.route({ url: '/', ...speaks, ...(hasBanner && { handler: () => banner }) })
}
