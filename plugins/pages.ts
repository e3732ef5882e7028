import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import helmet, { type FastifyHelmetOptions } from '@fastify/helmet'
import files from '@fastify/static'
import type { FastifyReply } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyReply {
    /** Sends one of the pages that are built from `web/`, by its name there. */
    sendPage: (name: string) => Promise<FastifyReply>
    /** Sends what the pages load, by its path below `assets/`. A browser keeps it forever: its name changes with its content. */
    sendAsset: (path: string) => FastifyReply
  }
}

/** From the built sources, and from the sources themselves. */
const places = ['../web/', '../dist/web/'].map((path) => fileURLToPath(new URL(path, import.meta.url)))
const root = places.find((place) => existsSync(`${place}assets`))

/** Whether there are pages to send. Without them a server speaks all its dialects all the same. */
export const areBuilt = root !== undefined

const headers: FastifyHelmetOptions = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      'default-src': ["'none'"],
      'script-src': ["'self'"],
      'style-src': ["'self'"],
      'img-src': ["'self'", 'data:'],
      'media-src': ["'self'", 'blob:'],
      // In some browsers 'self' does not include WebSockets.
      'connect-src': ["'self'", 'ws:', 'wss:'],
      'base-uri': ["'none'"],
      'form-action': ["'none'"],
      'frame-ancestors': ["'none'"]
    }
  },
  xFrameOptions: { action: 'deny' },
  // That is for whoever owns the host name to decide.
  strictTransportSecurity: false,
  // Browsers complain about these where there is no TLS.
  crossOriginOpenerPolicy: false,
  originAgentCluster: false
}

/** `reply.sendPage` and `reply.sendAsset`. */
export default fp(async (app) => {
  // An app around us may have both, with other options: ours are named with each answer.
  if (!app.hasReplyDecorator('helmet')) await app.register(helmet, { global: false })
  if (!app.hasReplyDecorator('sendFile')) await app.register(files, { serve: false })
  app.decorateReply('sendPage', async function (this: FastifyReply, name: string) {
    await this.helmet(headers)
    return this.header('cache-control', 'no-cache').sendFile(`${name}.html`, root, { cacheControl: false })
  })
  app.decorateReply('sendAsset', function (this: FastifyReply, path: string) {
    return this.sendFile(`assets/${path}`, root, { immutable: true, maxAge: '365d' })
  })
}, { name: 'pages', fastify: '5.x' })
