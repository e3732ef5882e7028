import type { FastifyPluginAsync } from 'fastify'
import { manifest } from '../src/config/manifest.js'
import type { Config } from '../src/config/schema.js'
import { renewalFrames } from '../src/connection/token-renewal.js'
import type { CompiledDialect, FrameSchemas } from '../src/dialect/dialect.js'
import type { DialectDescription } from './dialect.js'

interface AsyncapiOptions {
  readonly descriptions: ReadonlyMap<string, DialectDescription>
}

/** `GET /asyncapi.json` and `GET /asyncapi.yaml`: the frames of all dialects, those of plugins among them. */
export const asyncapi: FastifyPluginAsync<AsyncapiOptions> = async (app, { descriptions }) => {
  const { auth, config, dialects } = app.signalbox
  const options = { onRequest: app.admission, schema: { hide: true } }
  const document = () => asyncapiOf({ dialects, descriptions, config, hasRenewal: auth.hasKey })
  let json: Buffer | undefined
  let yaml: Buffer | undefined

  app.get('/asyncapi.json', options, async (_request, reply) => {
    // Once for all, and the same bytes for everybody.
    json ??= Buffer.from(JSON.stringify(document()))
    return await reply.type('application/json; charset=utf-8').send(json)
  })

  app.get('/asyncapi.yaml', options, async (_request, reply) => {
    // Loaded for who asks: few do.
    const { stringify } = await import('yaml')
    yaml ??= Buffer.from(stringify(document(), { aliasDuplicateObjects: false, lineWidth: 0 }))
    return await reply.type('application/yaml; charset=utf-8').send(yaml)
  })
}

export interface Described {
  readonly dialects: ReadonlyMap<string, CompiledDialect>
  /** Of the built-in dialects. */
  readonly descriptions: ReadonlyMap<string, DialectDescription>
  readonly config: Config
  /** Whether a client can send a fresh token. */
  readonly hasRenewal: boolean
}

type Action = 'receive' | 'send'
type Ref = Readonly<Record<'$ref', string>>

/** An AsyncAPI 3 document: a channel for each path of a dialect, an operation for each frame. `receive` is what the server receives. */
export function asyncapiOf ({ dialects, descriptions, config, hasRenewal }: Described) {
  const channels: Record<string, unknown> = {}
  const operations: Record<string, unknown> = {}
  const messages: Record<string, unknown> = {}

  for (const dialect of dialects.values()) {
    const { name, sends } = dialect
    // What goes over HTTP is in the other document.
    if (dialect.frames.size === 0) continue
    const { title = name, summary = 'A dialect of a plugin', sampleUrl } = descriptions.get(name) ?? {}
    const receives = Object.fromEntries([...dialect.frames].map(([type, { schema }]) => [type, schema]))
    const own = {
      receive: { ...receives, ...(hasRenewal && renewalFrames.receives) },
      send: { ...sends, ...(hasRenewal && renewalFrames.sends) }
    }
    const refs: Record<string, Ref> = {}
    for (const { id, type, payload } of [...messagesOf(name, 'receive', own.receive), ...messagesOf(name, 'send', own.send)]) {
      const { examples, ...schema } = payload
      messages[id] = {
        name: type,
        title: type,
        contentType: 'application/json',
        payload: schema,
        ...(Array.isArray(examples) && { examples: examples.map((payload: unknown) => ({ payload })) })
      }
      refs[id] = { $ref: `#/components/messages/${id}` }
    }
    for (const [index, path] of [...dialect.paths].entries()) {
      const channel = index === 0 ? keyOf(name) : `${keyOf(name)}.${index + 1}`
      channels[channel] = {
        ...addressOf(path),
        title,
        summary,
        ...(sampleUrl !== undefined && index === 0 && {
          description: `The URL of a client ends in \`${sampleUrl(config)}\`, for example.`
        }),
        messages: refs,
        tags: [{ name }]
      }
      for (const action of ['receive', 'send'] as const) {
        for (const { id, type } of messagesOf(name, action, own[action])) {
          operations[index === 0 ? id : `${id}.${index + 1}`] = {
            action,
            title: type,
            channel: { $ref: `#/channels/${channel}` },
            messages: [{ $ref: `#/channels/${channel}/messages/${id}` }],
            tags: [{ name }]
          }
        }
      }
    }
  }

  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Signalbox',
      version: manifest.version,
      description: 'WebRTC signaling in several dialects: the frames on the sockets. Each is one JSON object, as text or as UTF-8 in a ' +
        'binary frame. At the bare root `/` the first frame decides the dialect. The REST endpoints are in `/openapi.json`.',
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' }
    },
    defaultContentType: 'application/json',
    servers: {
      signalbox: {
        host: '{host}',
        protocol: config.TLS_CERT === undefined ? 'ws' : 'wss',
        description: 'This server. Behind a proxy with TLS, the protocol is wss.',
        variables: { host: { default: `localhost:${config.PORT}`, description: 'Name and port' } }
      }
    },
    channels,
    operations,
    components: { messages }
  }
}

function messagesOf (dialect: string, action: Action, schemas: FrameSchemas) {
  return Object.entries(schemas).map(([type, payload]) => ({ id: `${keyOf(dialect)}.${action}.${keyOf(type)}`, type, payload }))
}

/** A name of the document, which may have letters, digits, `-`, `_` and `.` only. */
function keyOf (name: string): string {
  return name.replace(/[^\w.-]/g, (character) => `_${character.charCodeAt(0).toString(16)}`)
}

/** The path of a route, as AsyncAPI writes it. */
function addressOf (path: string) {
  const names: string[] = []
  const named = (name: string) => {
    names.push(name)
    return `{${name}}`
  }
  const address = path.replace(/:(\w+)(?:\(.*?\))?\??|\*/g, (_match, name: string | undefined) => named(name ?? 'rest'))
  return { address, ...(names.length > 0 && { parameters: Object.fromEntries(names.map((name) => [name, {}])) }) }
}
