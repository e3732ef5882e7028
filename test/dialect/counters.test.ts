import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { type Connection, type Dialect, Type } from '../../src/index.js'
import { connect, urlOf } from '../helper.js'
import { buildSpeaking, errors, open } from './speaking.js'

const frames = { count: Type.Object({ type: Type.Literal('count'), event: Type.String() }) }

const counting: Dialect<typeof frames, Connection> = {
  name: 'counting',
  frames,
  counters: ['offers_kept', 'calls_begun'],
  handlers: {
    count (connection, { event }) {
      connection.count(event)
      connection.deliver(JSON.stringify({ counted: event }))
    }
  },
  errors,
  open
}

async function series (app: FastifyInstance): Promise<string[]> {
  const text = await (await fetch(`${urlOf(app)}/metrics`)).text()
  return text.split('\n').filter((line) => line.startsWith('signalbox_dialect_events_total'))
}

t.test('what a dialect counts itself is shown on /metrics, from the start', async (t) => {
  const app = await buildSpeaking(t, { dialect: counting })
  t.same(await series(app), [
    'signalbox_dialect_events_total{event="offers_kept",dialect="counting"} 0',
    'signalbox_dialect_events_total{event="calls_begun",dialect="counting"} 0'
  ])
  const [one, other] = [await connect(t, app, '/counting'), await connect(t, app, '/counting')]
  for (const client of [one, one, other]) {
    client.send({ type: 'count', event: 'offers_kept' })
    await client.next()
  }
  t.same(await series(app), [
    'signalbox_dialect_events_total{event="offers_kept",dialect="counting"} 3',
    'signalbox_dialect_events_total{event="calls_begun",dialect="counting"} 0'
  ])
})

t.test('a name that the dialect does not count throws, and makes no series', async (t) => {
  const app = await buildSpeaking(t, { dialect: counting })
  const client = await connect(t, app, '/counting')
  client.send({ type: 'count', event: 'hunter2' })
  t.same(await client.next(), { error: 'internal error' })
  t.notMatch((await series(app)).join('\n'), 'hunter2')
})

t.test('a dialect with a counter of a bad name does not start', async (t) => {
  for (const name of ['', 'Offers', 'offers-kept', '1st']) {
    const built = buildSpeaking(t, { dialect: { ...counting, counters: [name] } })
    await t.rejects(built, { name: 'TypeError', message: `Dialect counting has a counter with a bad name: ${name}` })
  }
})
