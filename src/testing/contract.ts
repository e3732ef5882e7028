import assert from 'node:assert/strict'
import { once } from 'node:events'
import { promisify } from 'node:util'
import type { FastifyInstance } from 'fastify'
import { type Actor, enter, enterBoth } from './actors.js'
import { connect } from './client.js'
import type { Frame } from './dialect.js'
import { malformed, misfits } from './malformed.js'
import { totals } from './nodes.js'
import { connectTcp, upgradeBytes } from './raw.js'
import type { Runner, Scope } from './runner.js'
import { type Env, serve } from './serve.js'
import { type Addressing, type CompleteSubject, completed, type Subject } from './subject.js'
import { until } from './until.js'
import { textFrame } from './websocket.js'

type Scenario = (t: Scope, subject: CompleteSubject) => Promise<void>
type AddressingScenario = (t: Scope, subject: CompleteSubject, addressing: Addressing) => Promise<void>

/** Names that mean something to an object that is used as a map. */
const prototypeKeys = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']

/** Emoji up to the longest id, right-to-left text and marks, what JSON and URLs escape, and what looks like two things at once. */
const unicodeNames = ['😀'.repeat(128), 'x'.repeat(256), 'مرحبا\u200f', 'é e\u0301', '日本語', '\u2028', 'a/b?c&d=%20+"\\', ' ', 'null']

async function start (t: Scope, { env, build, plugin, prefix = '' }: CompleteSubject, more: Env = {}): Promise<FastifyInstance> {
  const settings = { ...env, ...more }
  if (build !== undefined) return await build(t, settings)
  return await serve(t, settings, plugin && { plugin, prefix })
}

/** What any dialect promises, whatever it is about: the scenarios of one suite. */
const scenarios: Record<string, Scenario> = {
  async 'a bad frame of a stranger gets one error or is ignored, and it can become a peer all the same' (t, subject) {
    const app = await start(t, subject)
    const stranger = await connect(t, app, subject.path('stranger'))
    const bad = malformed(subject)
    for (const frame of subject.ignored) stranger.send(frame)
    for (const [, data] of bad) stranger.send(data)
    for (const [kind,, error] of bad.filter(([,, error]) => error !== undefined)) {
      const answer = await stranger.nextThat((frame) => subject.isError(frame))
      assert.deepEqual({ kind, answer }, { kind, answer: error })
    }
    const entrance = subject.registration('stranger')
    for (const frame of entrance) stranger.send(frame)
    if (entrance.length === 0) return
    const first = await stranger.next()
    assert.ok(subject.welcome(first, 'stranger'), `this came in between: ${JSON.stringify(first)}`)
  },

  async 'a bad frame of a peer gets one error or is ignored, and leaves its socket open' (t, subject) {
    const app = await start(t, subject)
    const [alice, bob] = await enterBoth(t, app, subject)
    for (const [kind, data, error] of [...malformed(subject), ...misfits(subject, alice.id)]) {
      alice.send(data)
      const answers = (await alice.settle()).filter((frame) => subject.isError(frame))
      assert.deepEqual({ kind, answers }, { kind, answers: error === undefined ? [] : [error] })
    }
    bob.signal(alice.id, 'still there')
    assert.deepEqual((await alice.hears()).load, 'still there')
  },

  async 'a payload nested beyond measure is passed on or refused, and leaves its socket open' (t, subject) {
    const app = await start(t, subject)
    const [alice, bob] = await enterBoth(t, app, subject)
    const deep = '['.repeat(50_000) + ']'.repeat(50_000)
    alice.send(JSON.stringify(subject.signal(alice.id, bob.id, 'here', alice.place)).replace('"here"', deep))
    assert.ok((await alice.settle()).filter((frame) => subject.isError(frame)).length <= 1)
    alice.signal(bob.id, 'next')
    await bob.client.nextThat((frame) => subject.received(frame)?.load === 'next')
  },

  async 'fields that nobody asked for are tolerated' (t, subject) {
    const app = await start(t, subject)
    const [alice, bob] = await enterBoth(t, app, subject)
    const more = '"extra":{"a":[1,null]},"__proto__":{"type":"x"},"constructor":1}'
    alice.send(JSON.stringify(subject.question(alice.id)).replace(/}$/, `,${more}`))
    await alice.client.nextThat((frame) => subject.isAnswer(frame))
    alice.send(JSON.stringify(subject.signal(alice.id, bob.id, 1, alice.place)).replace(/}$/, `,${more}`))
    assert.equal((await bob.hears()).load, 1)
  },

  async 'JSON in a binary frame is treated like text, and passed on as text' (t, subject) {
    const app = await start(t, subject)
    const [alice, bob] = await enterBoth(t, app, subject)
    await bob.settle()
    const message = once(bob.client.socket, 'message')
    alice.send(Buffer.from(JSON.stringify(subject.signal(alice.id, bob.id, 'ünï', alice.place))))
    assert.equal((await bob.hears()).load, 'ünï')
    assert.equal((await message)[1], false, 'it is binary')
  },

  async 'a frame over MAX_PAYLOAD closes its socket with 1009, in pieces too' (t, subject) {
    const app = await start(t, subject, { MAX_PAYLOAD: '1024' })
    const [alice, bob] = [await enter(t, app, subject, 'alice'), await enter(t, app, subject, 'bob')]
    const padded = (bytes: number) => {
      const unpadded = JSON.stringify({ ...subject.question(alice.id), pad: '' }).length
      return JSON.stringify({ ...subject.question(alice.id), pad: 'x'.repeat(bytes - unpadded) })
    }
    alice.send(padded(1024))
    await alice.client.nextThat((frame) => subject.isAnswer(frame))
    alice.send(padded(1025))
    assert.equal((await alice.client.closed).code, 1009)
    for (const piece of ['{"type":"', 'x'.repeat(1000), 'x'.repeat(1000)]) bob.client.socket.send(piece, { fin: false })
    assert.equal((await bob.client.closed).code, 1009)
    await until(() => totals(app).peers === 0)
  },

  async '500 frames from one to another arrive in order' (t, subject) {
    const app = await start(t, subject, { MESSAGE_BURST: '1000' })
    const [alice, bob] = await enterBoth(t, app, subject)
    const sent = Array.from({ length: 500 }, (_, n) => n)
    for (const n of sent) alice.signal(bob.id, n)
    const heard = []
    while (heard.length < sent.length) heard.push((await bob.hears()).load)
    assert.deepEqual(heard, sent)
  },

  async 'frames sent with the handshake are all handled, in order' (t, subject) {
    const app = await start(t, subject)
    const host = await enter(t, app, subject, 'host')
    const socket = await connectTcp(t, app)
    const signals = Array.from({ length: 100 }, (_, n) => subject.signal('eager', host.id, [n, 'x'.repeat(1000)], host.place))
    const frames = [...subject.registration('eager', host.place), ...signals].map(textFrame)
    socket.write(Buffer.concat([upgradeBytes(subject.path('eager')), ...frames]))
    const heard = []
    while (heard.length < signals.length) heard.push((await host.hears()).load)
    assert.deepEqual(heard.map((load) => (load as unknown[])[0]), signals.map((_, n) => n))
  },

  async 'a flood is slowed down and nothing of it is lost, while its neighbour feels nothing' (t, subject) {
    const app = await start(t, subject, { MESSAGE_RATE: '50', MESSAGE_BURST: '40' })
    const [flooder, receiver] = await enterBoth(t, app, subject)
    const neighbour = await enter(t, app, subject, 'neighbour')
    const numbers = Array.from({ length: 240 }, (_, n) => n)
    for (const n of numbers) flooder.signal(receiver.id, n)
    for (let round = 0; round < 10; round++) await neighbour.settle()
    const early = receiver.client.taken().flatMap((frame) => subject.received(frame) ?? [])
    assert.ok(early.length < numbers.length, 'the neighbour was served only after the flood')
    const heard = early.map(({ load }) => load)
    while (heard.length < numbers.length) heard.push((await receiver.hears()).load)
    assert.deepEqual(heard, numbers)
  },

  async 'a socket that answers no ping is closed with 4101 and its peer leaves' (t, subject) {
    const app = await start(t, subject, { HEARTBEAT_INTERVAL: '1000' })
    const alive = await enter(t, app, subject, 'alive')
    const mute = await enter(t, app, subject, 'mute', { place: alive.place, options: { autoPong: false } })
    assert.equal(totals(app).peers, 2)
    assert.equal((await mute.client.closed).code, 4101)
    if (subject.endsTogether) return await until(() => totals(app).peers === 0)
    assert.equal(totals(app).peers, 1)
    await alive.settle()
  },

  async 'a reader that is too slow is closed with 4100 and its peer leaves' (t, subject) {
    const app = await start(t, subject, { MAX_BUFFERED: '65536', MESSAGE_RATE: '100000' })
    const [alice, bob] = await enterBoth(t, app, subject)
    bob.client.socket.pause()
    const load = 'x'.repeat(200_000)
    // It is given some seconds in which it might read.
    const deadline = performance.now() + 20_000
    while (totals(app).closed(4100) === 0 && performance.now() < deadline) {
      alice.signal(bob.id, load)
      // Where her own end follows, it may come before the answer.
      await alice.settle().catch((error: unknown) => { if (!subject.endsTogether) throw error })
    }
    assert.equal(totals(app).closed(4100), 1)
    const left = subject.endsTogether ? 0 : 1
    await until(() => totals(app).peers === left)
    bob.client.socket.resume()
    assert.ok([4100, 1006].includes((await bob.client.closed).code))
    await until(() => totals(app).sockets === left)
  },

  async 'a connection reset at any moment of its upgrade leaves nothing behind' (t, subject) {
    const app = await start(t, subject)
    const request = upgradeBytes(subject.path('fleeting'))
    const entrance = subject.registration('fleeting').map(textFrame)
    for (let round = 0; round < 10; round++) {
      await resetAfter(t, app, request.subarray(0, 40))
      await resetAfter(t, app, request)
      await resetAfter(t, app, Buffer.concat([request, ...entrance]))
      const socket = await connectTcp(t, app)
      socket.write(request)
      await once(socket, 'data')
      socket.resetAndDestroy()
    }
    const [alice, bob] = await enterBoth(t, app, subject)
    alice.signal(bob.id, 1)
    assert.equal((await bob.hears()).load, 1)
    await Promise.all([alice.client.close(), bob.client.close()])
    const countSockets = promisify(app.server.getConnections.bind(app.server))
    await until(async () => totals(app).sockets === 0 && totals(app).peers === 0 && await countSockets() === 0)
  }
}

/** The same for dialects that pass some frames over in silence. */
const silentScenarios: Record<string, Scenario> = {
  async 'what the contract ignores is not answered' (t, subject) {
    const app = await start(t, subject)
    // Alone: nobody's coming is told to it meanwhile.
    const alice = await enter(t, app, subject, 'alice')
    await alice.settle()
    for (const frame of subject.ignored) alice.send(frame)
    assert.deepEqual(await alice.settle(), [])
  }
}

/** The same for dialects whose clients choose the names of peers or places. */
const namesScenarios: Record<string, Scenario> = {
  async 'keys of a prototype are names like any other' (t, subject) {
    const app = await start(t, subject)
    for (const name of prototypeKeys) await meetUnder(t, app, subject, name)
  },

  async 'names in any script and of up to 256 units are taken as they are' (t, subject) {
    const app = await start(t, subject)
    for (const name of unicodeNames) await meetUnder(t, app, subject, name)
  }
}

/** The same for dialects whose peers address each other. */
const addressingScenarios: Record<string, AddressingScenario> = {
  async 'nobody speaks under another’s name' (t, subject, { forged, refusal }) {
    const app = await start(t, subject)
    const [mallory, victim] = await enterBoth(t, app, subject)
    mallory.send(forged(mallory.id, victim.id, victim.id))
    const answers = (await mallory.settle()).filter((frame) => subject.isError(frame))
    assert.deepEqual(answers, refusal === undefined ? [] : [refusal])
    mallory.signal(victim.id, 'honest')
    const heard = [await victim.hears()]
    if (refusal === undefined) heard.push(await victim.hears())
    assert.ok(heard.every(({ sender }) => sender === mallory.id))
    assert.equal(heard.at(-1)?.load, 'honest')
  },

  async 'a signal for a peer that has vanished is answered' (t, subject, { vanished }) {
    const app = await start(t, subject)
    const [alice, bob] = await enterBoth(t, app, subject)
    await bob.client.close()
    for (const to of ['bob', ...prototypeKeys]) {
      alice.signal(to, 1)
      await expectFrame(alice, vanished(alice.id, to))
    }
  },

  async 'a signal for a socket that was just reset is answered or delivered, never lost in silence' (t, subject, { vanished }) {
    const app = await start(t, subject)
    const [alice, bob] = await enterBoth(t, app, subject)
    bob.client.socket.terminate()
    await until(() => totals(app).peers === 1)
    alice.signal('bob', 1)
    await expectFrame(alice, vanished(alice.id, 'bob'))
  }
}

/** The same for dialects in which a newer connection takes an id over. */
const takeoverScenarios: Record<string, AddressingScenario> = {
  async 'a newer connection takes the id over, and the older one’s end changes nothing' (t, subject, { isLeave }) {
    const app = await start(t, subject)
    const [alice, older] = await enterBoth(t, app, subject)
    await alice.settle()
    const newer = await enter(t, app, subject, older.id, { place: older.place })
    assert.equal((await older.client.closed).code, 4000)
    await until(() => totals(app).sockets === 2)
    alice.signal(newer.id, 'to the newer one')
    assert.equal((await newer.hears()).load, 'to the newer one')
    assert.ok(!(await alice.settle()).some((frame) => isLeave?.(frame)))
    newer.signal(alice.id, 'back')
    assert.equal((await alice.hears()).sender, older.id)
  },

  async 'the id of a connection that has just said goodbye is free' (t, subject) {
    const app = await start(t, subject, { ID_TAKEOVER: 'reject' })
    const [alice, bob] = await enterBoth(t, app, subject)
    let holder = alice
    for (let round = 0; round < 20; round++) {
      const gone = holder
      gone.client.socket.close()
      holder = await enter(t, app, subject, gone.id, { place: gone.place })
    }
    bob.signal(holder.id, 'to the last one')
    assert.equal((await holder.hears()).load, 'to the last one')
  },

  async 'the id of a connection that answers no ping is free after ID_PROBE_MS' (t, subject) {
    const app = await start(t, subject, { ID_TAKEOVER: 'reject', ID_PROBE_MS: '300' })
    const alive = await enter(t, app, subject, 'alive')
    const mute = await enter(t, app, subject, 'mute', { place: alive.place, options: { autoPong: false } })
    const next = await enter(t, app, subject, 'mute', { place: alive.place })
    assert.ok([4000, 4101].includes((await mute.client.closed).code))
    alive.signal(next.id, 'to the next one')
    assert.equal((await next.hears()).load, 'to the next one')
    next.signal(alive.id, 'back')
    assert.equal((await alive.hears()).load, 'back')
  }
}

/** The scenarios that fit a dialect, each with its title. */
function scenariosFor ({ addressing, ignored, takesNames }: CompleteSubject): Array<[title: string, scenario: Scenario]> {
  const fitting = Object.entries({ ...scenarios, ...(ignored.length > 0 && silentScenarios), ...(takesNames && namesScenarios) })
  if (addressing === undefined) return fitting
  const { takesOver = true } = addressing
  const addressed = Object.entries({ ...addressingScenarios, ...(takesOver && takeoverScenarios) })
  return [...fitting, ...addressed.map(([title, run]): [string, Scenario] => [title, (t, subject) => run(t, subject, addressing)])]
}

/**
 * Runs every scenario that fits a dialect as one test with a test for each. Await it within a test of node:test; at the top of a file
 * there is no need to.
 */
export async function surviveContract (runner: Runner, subject: Subject): Promise<void> {
  const complete = completed(subject)
  await runner.test(`${subject.name} survives what every dialect must survive`, async (t) => {
    await Promise.all(scenariosFor(complete).map(([title, run]) => t.test(title, async (t) => await run(t, complete))))
  })
}

/** Two peers find each other where the name is the id of one, and the place of both. */
async function meetUnder (t: Scope, app: FastifyInstance, subject: CompleteSubject, name: string): Promise<void> {
  const named = await enter(t, app, subject, name, { place: name })
  const other = await enter(t, app, subject, 'other', { place: name })
  other.signal(name, name)
  assert.deepEqual((await named.hears()).load, name)
  named.signal('other', 'back')
  const answer = await other.client.nextThat((frame) => subject.received(frame)?.load === 'back')
  const { load, sender = name } = subject.received(answer) ?? {}
  assert.deepEqual({ load, sender }, { load: 'back', sender: name })
  await Promise.all([named.client.close(), other.client.close()])
  await until(() => totals(app).peers === 0)
}

async function expectFrame ({ client }: Actor, expected: Frame): Promise<void> {
  const frame = await client.nextThat(({ type }) => type === expected.type)
  assert.deepEqual(frame, expected)
}

async function resetAfter (t: Scope, app: FastifyInstance, bytes: Buffer): Promise<void> {
  const socket = await connectTcp(t, app)
  await new Promise((resolve) => socket.write(bytes, resolve))
  socket.resetAndDestroy()
}
