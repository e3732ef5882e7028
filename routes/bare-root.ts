import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { CompiledDialect } from '../src/dialect/dialect.js'
import type { JsonObject } from '../src/frame/parse.js'
import { Frame, type FrameLike } from '../src/frame/bytes.js'
import type { DialectDescription } from './dialect.js'
import { pong } from './drone/pong.js'
import { banner } from './peerjs/rest.js'

const unknown = new Frame('error', JSON.stringify({ type: 'error', error: 'unknown dialect', message: 'unknown dialect' }))

export interface BareRootOptions {
  readonly descriptions: readonly DialectDescription[]
  /** Whether a browser gets the landing page. */
  readonly hasPages: boolean
}

/** The bare root, where unmodified clients of several dialects connect. Their first frame chooses one of those that are turned on. */
export const bareRoot: FastifyPluginAsync<BareRootOptions> = async (app, { descriptions, hasPages }) => {
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

  const hasBanner = config.DIALECTS?.includes('peerjs') === true && config.PEERJS_PATH === '/'

  async function answer (request: FastifyRequest, reply: FastifyReply) {
    if (hasPages) {
      reply.header('vary', 'Accept')
      if (request.headers.accept?.includes('text/html') === true) return await sendLandingPage(request, reply)
    }
    return hasBanner ? banner : await reply.code(404).send({ error: 'not found' })
  }

  app.route({ url: '/', ...app.speakAs({ choose, answerPing, unknown }), handler: answer })
}

async function sendLandingPage ({ url }: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const [path = '/', query] = url.split(/(?=\?)/)
  if (path.endsWith('/')) return await reply.sendPage('index')
  // What the page loads is relative to where it is.
  return reply.redirect(`${path.slice(path.lastIndexOf('/') + 1)}/${query ?? ''}`)
}
