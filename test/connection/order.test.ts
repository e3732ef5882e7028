import assert from 'node:assert/strict'
import { setImmediate as turnOver } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { build, type Client, connect, type Frame } from '../helper.js'

/** More than are written to one by one. */
const members = 12
const rooms = ['tom', 'drone'] as const
const registering = {
  tom: (id: string) => ({ type: 'register', nodeId: id, username: id }),
  drone: (id: string) => ({ type: 'register', id })
}

type Room = typeof rooms[number]

/** To all of a room, to all but one, to one, or the end of a turn of the event loop. */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ to: fc.constant('all' as const), room: fc.constantFrom(...rooms) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      to: fc.constant('others' as const),
      room: fc.constantFrom(...rooms),
      but: fc.nat({ max: members - 1 })
    })
  },
  {
    weight: 2,
    arbitrary: fc.record({
      to: fc.constant('one' as const),
      room: fc.constantFrom(...rooms),
      one: fc.nat({ max: members - 1 })
    })
  },
  { weight: 1, arbitrary: fc.constant({ to: 'nobody' as const }) }
)

const idOf = (room: Room, at: number): string => `${room}${at}`

async function enterAll (t: Test, app: FastifyInstance): Promise<Record<Room, Client[]>> {
  const enter = async (room: Room) => await Promise.all(Array.from({ length: members }, async (_, at) => {
    const client = await connect(t, app, `/${room}`)
    client.send(registering[room](idOf(room, at)))
    return client
  }))
  return { tom: await enter('tom'), drone: await enter('drone') }
}

/** Frames of ours alone: presence and lists come when they do. */
async function heard (client: Client, last: number): Promise<unknown[]> {
  const frames: Frame[] = []
  do frames.push(await client.nextOf('step')); while (frames.at(-1)?.n !== last)
  return frames.map(({ n }) => n)
}

t.test('every member gets what is for it in the order it was said, whoever else gets it too', async (t) => {
  const app = await build(t)
  const clients = await enterAll(t, app)
  const { relay, peers } = app.state
  while ((await Promise.all(rooms.map(async (room) => await peers.list(room)))).some(({ length }) => length < members)) await turnOver()
  let said = 0
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
    const sent: unknown[] = []
    const expected = new Map(rooms.flatMap((room) => clients[room].map((client): [Client, number[]] => [client, []])))
    for (const step of steps) {
      if (step.to === 'nobody') {
        await turnOver()
        continue
      }
      const n = ++said
      // Of any length that a header can have.
      const frame = JSON.stringify({ type: 'step', n, filling: 'x'.repeat(n % 7 === 0 ? 70_000 : n % 5 * 60) })
      const but = step.to === 'others' ? idOf(step.room, step.but) : undefined
      sent.push(step.to === 'one' ? relay.send(step.room, idOf(step.room, step.one), frame) : relay.broadcast(step.room, frame, but))
      for (const [at, client] of clients[step.room].entries()) {
        if (step.to === 'one' ? at === step.one : step.to === 'all' || at !== step.but) expected.get(client)?.push(n)
      }
    }
    const last = ++said
    for (const room of rooms) sent.push(relay.broadcast(room, JSON.stringify({ type: 'step', n: last })))
    await Promise.all(sent)
    await Promise.all([...expected].map(async ([client, numbers]) => assert.deepEqual(await heard(client, last), [...numbers, last])))
  }), { numRuns: 40 })
  t.pass(`${said} frames`)
})

t.test('what was said to many before a close comes before it', async (t) => {
  const app = await build(t)
  const { tom } = await enterAll(t, app)
  const { relay, peers } = app.state
  while ((await peers.list('tom')).length < members) await turnOver()
  const done = [1, 2].map((n): unknown => relay.broadcast('tom', JSON.stringify({ type: 'step', n })))
  for (let at = 0; at < members; at++) done.push(peers.disconnect('tom', idOf('tom', at), { code: 4003, reason: 'enough' }))
  await Promise.all(done)
  for (const client of tom) {
    t.same(await heard(client, 2), [1, 2])
    t.equal((await client.closed).code, 4003)
  }
})
