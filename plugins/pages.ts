import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import helmet, { type FastifyHelmetOptions } from '@fastify/helmet'
import files from '@fastify/static'
import type { FastifyReply } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    /** The icon of the pages, as SVG; undefined where they are not built. */
    pagesIcon: Buffer | undefined
  }
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

function readIcon (): Buffer | undefined {
  const name = root === undefined ? undefined : readdirSync(`${root}assets`).find((name) => /^icon-.*\.svg$/.test(name))
  return name === undefined ? undefined : readFileSync(`${root}assets/${name}`)
}

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

/** `reply.sendPage`, `reply.sendAsset`, and the icon. */
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
  app.decorate('pagesIcon', readIcon())
  if (root === undefined) app.log.warn('the pages are not built: `npm run build` does it')
}, { name: 'pages', fastify: '5.x' })
