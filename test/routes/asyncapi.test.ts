import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { Parser } from '@asyncapi/parser'
import { Ajv } from 'ajv'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import * as builtIn from '../../src/dialects.js'
import { build, type Env, urlOf } from '../helper.js'

interface Message {
  name: string
  payload: object
  examples?: Array<{ payload: object }>
}

interface Asyncapi {
  channels: Record<string, { address: string, description?: string, messages: Record<string, unknown>, parameters?: unknown }>
  operations: Record<string, { action: string, channel: { $ref: string } }>
  components: { messages: Record<string, Message> }
}

const dialects = ['peerjs', 'rooms', 'psync', 'drone', 'tom']
/** With those that are off by default. */
/** Without those that have no frames. */
const every = Object.keys(builtIn).filter((name) => name !== 'whip' && name !== 'whep')
const withPlugin = { PLUGINS: './examples/y-webrtc/index.js' }

async function textsOf (t: Test, env: Env = {}): Promise<{ json: string, yaml: string }> {
  const app = await build(t, env)
  const text = async (path: string) => await (await fetch(urlOf(app) + path)).text()
  const [json, yaml] = [await text('/asyncapi.json'), await text('/asyncapi.yaml')]
  t.equal(await text('/asyncapi.json'), json, 'the same bytes for everybody')
  return { json, yaml }
}

const documentOf = async (t: Test, env: Env = {}) => JSON.parse((await textsOf(t, env)).json) as Asyncapi

t.test('/asyncapi.json and /asyncapi.yaml are one valid AsyncAPI 3 document, with every dialect and a plugin', async (t) => {
  const { json, yaml } = await textsOf(t, { ...withPlugin, JWT_SECRET: 's'.repeat(32) })
  t.same(parse(yaml), JSON.parse(json))
  const { document, diagnostics } = await new Parser().parse(json)
  t.same(diagnostics.filter(({ severity }) => severity === 0), [])
  t.equal(document?.version(), '3.0.0')
  t.same(document?.channels().all().map((channel) => channel.address()).sort(), [
    '/drone', '/peerjs', '/psync/ws', '/rooms', '/tom', '/ws', '/y-webrtc'
  ])
  for (const dialect of [...dialects, 'y-webrtc']) {
    for (const action of ['receive', 'send']) t.ok(document?.operations().get(`${dialect}.${action}.auth`), `${dialect}: ${action} auth`)
  }
})

t.test('a frame is what the server receives or sends on the paths of its dialect', async (t) => {
  const { channels, operations, components } = await documentOf(t, { DIALECTS: 'psync', ...withPlugin })
  t.match(operations, {
    'psync.receive.register': { action: 'receive', channel: { $ref: '#/channels/psync' } },
    'psync.send.peer_list': { action: 'send', channel: { $ref: '#/channels/psync' } },
    'psync.send.peer_list.2': { action: 'send', channel: { $ref: '#/channels/psync.2' } },
    'y-webrtc.send.publish': { action: 'send', channel: { $ref: '#/channels/y-webrtc' } }
  })
  t.match(channels['psync.2']?.address, '/ws')
  t.match(components.messages['y-webrtc.receive.subscribe'], { name: 'subscribe', payload: { required: ['type', 'topics'] } })
  t.notMatch(Object.keys(operations), /auth/, 'without auth nobody sends a token')
})

t.test('a channel names a client’s URL, with the server’s own prefix and key', async (t) => {
  const { channels } = await documentOf(t, { PEERJS_PATH: '/calls', PEERJS_KEY: 'mine' })
  t.match(channels.peerjs?.description, '`/calls/peerjs?key=mine&id=alice&token=t`')
  t.match(channels.psync?.description, '`/psync/ws`')
})

t.test('a path has the prefix of its dialect, and its parameters', async (t) => {
  const plugin = `${t.testdir({
    'plugin.mjs': `import { Type } from 'signalbox'
    export default async (app) => {
      const errors = { frame: String, notJson: '', unknownType: String, malformed: String, internal: '' }
      const frames = { 'a:b': Type.Object({ type: Type.Literal('a:b') }) }
      const handlers = { 'a:b' () {} }
      app.route({ url: '/chat/:room/*', ...app.speak({ name: 'my chat', frames, handlers, errors, open: () => ({}) }) })
    }`
  })}/plugin.mjs`
  const { json } = await textsOf(t, { DIALECTS: 'peerjs', PEERJS_PATH: '/calls', PLUGINS: plugin })
  const { channels, operations } = JSON.parse(json) as Asyncapi
  t.equal(channels.peerjs?.address, '/calls/peerjs')
  t.match(channels.my_20chat, { address: '/chat/{room}/{rest}', parameters: { room: {}, rest: {} } })
  t.ok(operations['my_20chat.receive.a_3ab'])
  const { diagnostics } = await new Parser().parse(json)
  t.same(diagnostics.filter(({ severity }) => severity === 0), [])
})

/** The frames that a page shows, each with who sends it as far as the heading above says so. */
function framesOf (page: string): Array<{ text: string, action: RegExp }> {
  return page.split(/^## /m).flatMap((section) => {
    const action = section.startsWith('Frames from') ? /\.receive\./ : section.startsWith('Frames to') ? /\.send\./ : /./
    return [...section.matchAll(/`(\{"(?:type|action)":[^`]*)`/g)].map(([, text = '']) => ({ text, action }))
  })
}

t.test('a dialect’s README and the document have the same frames, and those of the README are examples that fit', async (t) => {
  const { components: { messages } } = await documentOf(t, { DIALECTS: 'all' })
  const ajv = new Ajv({ strict: false })
  for (const dialect of every) {
    const page = readFileSync(new URL(`../../routes/${dialect}/README.md`, import.meta.url), 'utf8')
    const own = Object.entries(messages).filter(([id]) => id.startsWith(`${dialect}.`))
    for (const { name } of own.map(([, message]) => message)) {
      t.ok(page.includes(`:"${name}"`) || page.includes(`\`${name}\``), `${dialect} shows ${name}`)
    }
    for (const { text, action } of framesOf(page)) {
      const frame = JSON.parse(text) as object
      const isExample = ({ examples = [] }: Message) => examples.some(({ payload }) => isDeepStrictEqual(payload, frame))
      t.ok(own.some(([id, message]) => action.test(id) && isExample(message)), `${dialect}: ${text}`)
    }
    for (const [id, { payload: schema, examples = [] }] of own) {
      t.ok(examples.length > 0, `${id} has an example`)
      for (const { payload } of examples) t.ok(ajv.validate(schema, payload), `${id}: ${JSON.stringify(payload)} fits`)
    }
  }
})
