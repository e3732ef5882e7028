import { once } from 'node:events'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { build, connect, type Env, type Frame, totals, until } from '../helper.js'
import { type Actor, enter, enterBoth } from './actors.js'
import type { Addressing, Subject } from './dialects.js'
import { malformed, misfits } from './malformed.js'
import { connectTcp, textFrame, upgradeRequest } from './raw.js'

type Scenario = (t: Test, subject: Subject) => Promise<void>

/** Names that mean something to an object that is used as a map. */
const prototypeKeys = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']

/** Emoji up to the longest id, right-to-left text and marks, what JSON and URLs escape, and what looks like two things at once. */
const unicodeNames = ['😀'.repeat(128), 'x'.repeat(256), 'مرحبا\u200f', 'é e\u0301', '日本語', '\u2028', 'a/b?c&d=%20+"\\', ' ', 'null']

const start = async (t: Test, { env }: Subject, more: Env = {}) => await build(t, { ...env, ...more })

/** What any dialect promises, whatever it is about: the scenarios of one suite. */
const scenarios: Record<string, Scenario> = {
  async 'a bad frame of a stranger gets one error, and it can become a peer all the same' (t, subject) {
    const app = await start(t, subject)
    const stranger = await connect(t, app, subject.path('stranger'))
    const bad = malformed(subject)
    for (const frame of subject.ignored) stranger.send(frame)
    for (const [, data] of bad) stranger.send(data)
    for (const [kind,, error] of bad) t.same(await stranger.nextThat((frame) => subject.isError(frame)), error, kind)
    const entrance = subject.registration('stranger')
    for (const frame of entrance) stranger.send(frame)
    if (entrance.length === 0) return
    const first = await stranger.next()
    t.ok(subject.welcome(first, 'stranger'), 'nothing came in between', { first })
  },

  async 'a bad frame of a peer gets one error and leaves its socket open' (t, subject) {
    const app = await start(t, subject)
    const [alice, bob] = await enterBoth(t, app, subject)
    for (const [kind, data, error] of [...malformed(subject), ...misfits(subject, alice.id)]) {
      alice.send(data)
      const answers = (await alice.settle()).filter((frame) => subject.isError(frame))
      t.same(answers, [error], kind)
    }
    bob.signal(alice.id, 'still there')
    t.same((await alice.hears()).load, 'still there')
  },

  async 'a payload nested beyond measure is passed on or refused, and leaves its socket open' (t, subject) {
    const app = await start(t, subject)
    const [alice, bob] = await enterBoth(t, app, subject)
    const deep = '['.repeat(50_000) + ']'.repeat(50_000)
    alice.send(JSON.stringify(subject.signal(alice.id, bob.id, 'here', alice.place)).replace('"here"', deep))
    t.ok((await alice.settle()).filter((frame) => subject.isError(frame)).length <= 1)
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
    t.equal((await bob.hears()).load, 1)
  },

  async 'JSON in a binary frame is treated like text, and passed on as text' (t, subject) {
    const app = await start(t, subject)
    const [alice, bob] = await enterBoth(t, app, subject)
    await bob.settle()
    const message = once(bob.client.socket, 'message')
    alice.send(Buffer.from(JSON.stringify(subject.signal(alice.id, bob.id, 'ünï', alice.place))))
    t.equal((await bob.hears()).load, 'ünï')
    t.equal((await message)[1], false, 'not binary')
  },

  async 'a frame over MAX_PAYLOAD closes its socket with 1009, in pieces too' (t, subject) {
    const app = await start(t, subject, { MAX_PAYLOAD: '1024' })
    const [alice, bob] = await enterBoth(t, app, subject)
    const padded = (bytes: number) => {
      const unpadded = JSON.stringify({ ...subject.question(alice.id), pad: '' }).length
      return JSON.stringify({ ...subject.question(alice.id), pad: 'x'.repeat(bytes - unpadded) })
    }
    alice.send(padded(1024))
    await alice.client.nextThat((frame) => subject.isAnswer(frame))
    alice.send(padded(1025))
    t.equal((await alice.client.closed).code, 1009)
    for (const piece of ['{"type":"', 'x'.repeat(1000), 'x'.repeat(1000)]) bob.client.socket.send(piece, { fin: false })
    t.equal((await bob.client.closed).code, 1009)
    await until(() => totals(app).peers === 0)
  },

  async '500 frames from one to another arrive in order' (t, subject) {
    const app = await start(t, subject, { MESSAGE_BURST: '1000' })
    const [alice, bob] = await enterBoth(t, app, subject)
    const sent = Array.from({ length: 500 }, (_, n) => n)
    for (const n of sent) alice.signal(bob.id, n)
    const heard = []
    while (heard.length < sent.length) heard.push((await bob.hears()).load)
    t.same(heard, sent)
  },

  async 'frames sent with the handshake are all handled, in order' (t, subject) {
    const app = await start(t, subject)
    const host = await enter(t, app, subject, 'host')
    const socket = await connectTcp(t, app)
    const signals = Array.from({ length: 100 }, (_, n) => subject.signal('eager', 'host', [n, 'x'.repeat(1000)], host.place))
    const frames = [...subject.registration('eager', host.place), ...signals].map(textFrame)
    socket.write(Buffer.concat([upgradeRequest(subject.path('eager')), ...frames]))
    const heard = []
    while (heard.length < signals.length) heard.push((await host.hears()).load)
    t.same(heard.map((load) => (load as unknown[])[0]), signals.map((_, n) => n))
  },

  async 'a flood is slowed down and nothing of it is lost, while its neighbour feels nothing' (t, subject) {
    const app = await start(t, subject, { MESSAGE_RATE: '50', MESSAGE_BURST: '40' })
    const [flooder, neighbour] = await enterBoth(t, app, subject)
    const count = 240
    for (let n = 0; n < count; n++) flooder.send(numbered(subject, flooder, n))
    const answers = numbersOf(subject, flooder, count)
    let isOver = false
    answers.finally(() => { isOver = true }).catch(() => {})
    for (let round = 0; round < 10; round++) await neighbour.settle()
    t.notOk(isOver, 'the neighbour has long been served')
    t.same(await answers, Array.from({ length: count }, (_, n) => n))
  },

  async 'a socket that answers no ping is closed with 4101 and its peer leaves' (t, subject) {
    const app = await start(t, subject, { HEARTBEAT_INTERVAL: '1000' })
    const alive = await enter(t, app, subject, 'alive')
    const mute = await enter(t, app, subject, 'mute', { place: alive.place, options: { autoPong: false } })
    t.equal(totals(app).peers, 2)
    t.equal((await mute.client.closed).code, 4101)
    t.equal(totals(app).peers, 1)
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
      await alice.settle()
    }
    t.equal(totals(app).closed(4100), 1)
    t.equal(totals(app).peers, 1)
    bob.client.socket.resume()
    t.ok([4100, 1006].includes((await bob.client.closed).code))
    await until(() => totals(app).sockets === 1)
  },

  async 'a connection reset at any moment of its upgrade leaves nothing behind' (t, subject) {
    const app = await start(t, subject)
    const request = upgradeRequest(subject.path('fleeting'))
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
    t.equal((await bob.hears()).load, 1)
    await Promise.all([alice.client.close(), bob.client.close()])
    const countSockets = promisify(app.server.getConnections.bind(app.server))
    await until(async () => totals(app).sockets === 0 && totals(app).peers === 0 && await countSockets() === 0)
  }
}

/** The same for dialects that pass some frames over in silence. */
const silentScenarios: Record<string, Scenario> = {
  async 'what the contract ignores is not answered' (t, subject) {
    const app = await start(t, subject)
    const [alice] = await enterBoth(t, app, subject)
    await alice.settle()
    for (const frame of subject.ignored) alice.send(frame)
    t.same(await alice.settle(), [])
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
const addressingScenarios: Record<string, (t: Test, subject: Subject, addressing: Addressing) => Promise<void>> = {
  async 'nobody speaks under another’s name' (t, subject, { forged, refusal }) {
    const app = await start(t, subject)
    const [mallory, victim] = await enterBoth(t, app, subject)
    mallory.send(forged(mallory.id, victim.id, victim.id))
    const answers = (await mallory.settle()).filter((frame) => subject.isError(frame))
    t.same(answers, refusal === undefined ? [] : [refusal])
    mallory.signal(victim.id, 'honest')
    const heard = [await victim.hears()]
    if (refusal === undefined) heard.push(await victim.hears())
    t.ok(heard.every(({ sender }) => sender === mallory.id))
    t.equal(heard.at(-1)?.load, 'honest')
  },

  async 'a newer connection takes the id over, and the older one’s end changes nothing' (t, subject, { isLeave }) {
    const app = await start(t, subject)
    const [alice, older] = await enterBoth(t, app, subject)
    await alice.settle()
    const newer = await enter(t, app, subject, older.id, { place: older.place })
    t.equal((await older.client.closed).code, 4000)
    await until(() => totals(app).sockets === 2)
    alice.signal(newer.id, 'to the newer one')
    t.equal((await newer.hears()).load, 'to the newer one')
    t.notOk((await alice.settle()).some(isLeave))
    newer.signal(alice.id, 'back')
    t.equal((await alice.hears()).sender, older.id)
  },

  async 'a signal for a peer that has vanished is answered' (t, subject, { vanished }) {
    const app = await start(t, subject)
    const [alice, bob] = await enterBoth(t, app, subject)
    await bob.client.close()
    for (const to of ['bob', ...prototypeKeys]) {
      alice.signal(to, 1)
      await expectFrame(t, alice, vanished(alice.id, to))
    }
  },

  async 'a signal for a socket that was just reset is answered or delivered, never lost in silence' (t, subject, { vanished }) {
    const app = await start(t, subject)
    const [alice, bob] = await enterBoth(t, app, subject)
    bob.client.socket.terminate()
    await until(() => totals(app).peers === 1)
    alice.signal('bob', 1)
    await expectFrame(t, alice, vanished(alice.id, 'bob'))
  }
}

/** Runs every scenario that fits a dialect. */
export function surviveContract (t: Test, subject: Subject): void {
  const { addressing, ignored, takesNames } = subject
  const fitting = { ...scenarios, ...(ignored.length > 0 && silentScenarios), ...(takesNames && namesScenarios) }
  for (const [title, scenario] of Object.entries(fitting)) t.test(title, async (t) => await scenario(t, subject))
  if (addressing === undefined) return
  for (const [title, scenario] of Object.entries(addressingScenarios)) t.test(title, async (t) => await scenario(t, subject, addressing))
}

type App = Awaited<ReturnType<typeof build>>

/** Two peers find each other where the name is the id of one, and the place of both. */
async function meetUnder (t: Test, app: App, subject: Subject, name: string): Promise<void> {
  const named = await enter(t, app, subject, name, { place: name })
  const other = await enter(t, app, subject, 'other', { place: name })
  other.signal(name, name)
  t.same((await named.hears()).load, name)
  named.signal('other', 'back')
  const answer = await other.client.nextThat((frame) => subject.received(frame)?.load === 'back')
  const { load, sender = name } = subject.received(answer) ?? {}
  t.same({ load, sender }, { load: 'back', sender: name })
  await Promise.all([named.client.close(), other.client.close()])
}

async function expectFrame (t: Test, { client }: Actor, expected: Frame): Promise<void> {
  const frame = await client.nextThat(({ type }) => type === expected.type)
  t.same(frame, expected)
}

/** A frame whose answer goes back to who sent it, and tells which one it was. */
function numbered (subject: Subject, { id, place }: Actor, n: number): Frame {
  return subject.takesNames ? subject.signal(id, id, n, place) : { type: `q${n}` }
}

async function numbersOf (subject: Subject, actor: Actor, count: number): Promise<number[]> {
  const numbers: number[] = []
  while (numbers.length < count) {
    const frame = await actor.client.next()
    if (subject.takesNames) {
      const received = subject.received(frame)
      if (received !== undefined) numbers.push(Number(received.load))
    } else if (subject.isError(frame)) {
      numbers.push(Number(/q(\d+)$/.exec(String(frame.message))?.[1]))
    }
  }
  return numbers
}

async function resetAfter (t: Test, app: App, bytes: Buffer): Promise<void> {
  const socket = await connectTcp(t, app)
  await new Promise((resolve) => socket.write(bytes, resolve))
  socket.resetAndDestroy()
}
