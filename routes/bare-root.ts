import type { FastifyPluginAsync } from 'fastify'
import type { CompiledDialect } from '../src/dialect/dialect.js'
import type { JsonObject } from '../src/frame/parse.js'
import { Frame, type FrameLike } from '../src/frame/bytes.js'
import type { DialectDescription } from './dialect.js'
import { pong } from './drone/pong.js'
import { banner } from './peerjs/rest.js'

const unknown = new Frame('error', JSON.stringify({ type: 'error', error: 'unknown dialect', message: 'unknown dialect' }))

/** The bare root, where unmodified clients of several dialects connect. Their first frame chooses one of those that are turned on. */
export const bareRoot: FastifyPluginAsync<{ descriptions: readonly DialectDescription[] }> = async (app, { descriptions }) => {
  const { config, dialects, timers } = app.signalbox
  // With those that are turned off: their clients are nobody else's.
  const kinds = descriptions
    .flatMap(({ name, firstFrames = [] }) => firstFrames.map(({ rank, fits }) => ({ name, rank, fits })))
    .sort((one, other) => one.rank - other.rank)

  function choose (frame: unknown): CompiledDialect | undefined {
    if (frame === undefined) return undefined
    const kind = kinds.find(({ fits }) => fits(frame as JsonObject))
    return kind === undefined ? undefined : dialects.get(kind.name)
  }

  /** Clients of all dialects ping so before they have said anything. */
  function answerPing (frame: unknown, bytes: Buffer): FrameLike | undefined {
    if (frame === undefined) return bytes.length < 16 && bytes.toString().trim() === 'ping' ? unknown : undefined
    return (frame as JsonObject).type === 'ping' ? pong(timers) : undefined
  }

  const speaks = app.speakAs({ choose, answerPing, unknown })
  const hasBanner = config.DIALECTS?.includes('peerjs') === true && config.PEERJS_PATH === '/'
  app.route({ url: '/', ...speaks, ...(hasBanner && { handler: () => banner }) })
}
