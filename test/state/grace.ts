import type { Test } from 'tap'
import { closeCodes } from '../../src/frame/close-codes.js'
import type { JoinRequest, MailboxLimits, Member, Peer, State } from '../../src/state/contract.js'
import { until } from '../helper.js'
import { generous, Inbox } from './contract.js'

/** Two nodes: in memory both are one. */
export interface NodesUnderTest {
  readonly one: State
  readonly other: State
  /** Lets so many ms go by. */
  readonly pass: (ms: number) => void | Promise<void>
}

export type MakeNodes = (t: Test, limits: MailboxLimits) => NodesUnderTest | Promise<NodesUnderTest>

const ms = 1_000
/** The least time that every implementation can tell from the next, in ms. */
const leeway = 300
const room = 'tom'

type Enter = (state: State, join: Partial<JoinRequest> & { id: string }) => Promise<Member>

/** What peers who are away can rely on, and those who signal to them, wherever the state is kept. */
export function graceContract (t: Test, makeNodes: MakeNodes): void {
  function scenario (
    title: string,
    run: (t: Test, given: NodesUnderTest & { enter: Enter, told: string[], settled: () => Promise<string[]> }) => Promise<void>,
    limits: Partial<MailboxLimits> = {}
  ): void {
    t.test(title, async (t) => {
      const nodes = await makeNodes(t, { ...generous, ...limits })
      const told: string[] = []
      const watched = nodes.one === nodes.other ? [nodes.one] : [nodes.one, nodes.other]
      for (const { peers } of watched) {
        peers.watch(room, { joined: (_room, { id }) => told.push(`joined ${id}`), left: (_room, { id }) => told.push(`left ${id}`) })
      }
      const enter: Enter = async (state, join) => {
        const as = `address:${join.id}`
        const joined = await state.peers.join({ room, sink: new Inbox(), replace: true, grace: { ms, as }, ...join })
        if (joined.outcome !== 'joined') throw new Error(`${join.id} was not let in: ${joined.outcome}`)
        return joined.member
      }
      // A node is told of what happens in a room while it has members there: `witness` and `witness 2`.
      await enter(nodes.one, { id: 'witness' })
      await enter(nodes.other, { id: 'witness 2' })
      /** What the nodes have been told of others than the witnesses, each once, when everything before this has been told. */
      const settled = async (): Promise<string[]> => {
        const mark = `mark ${told.length}`
        await nodes.one.peers.leave(await enter(nodes.one, { id: mark, grace: undefined }))
        await until(() => told.filter((news) => news === `left ${mark}`).length === watched.length)
        const news = told.splice(0).filter((news) => !/witness|mark/.test(news))
        const once = news.filter((one, at) => news.indexOf(one) === at)
        for (const one of once) t.equal(news.filter((other) => other === one).length, watched.length, `${one} is told once on each node`)
        return once
      }
      await run(t, { ...nodes, enter, told, settled })
    })
  }

  scenario('a peer comes back to its place on any node, and nobody hears of a leave or a join', async (t, given) => {
    const { one, other, enter, settled } = given
    for (const back of [one, other]) {
      const member = await enter(one, { id: 'a', info: { username: 'A' } })
      await settled()
      t.equal(await one.peers.leave(member, true), true)
      t.ok(ids(await other.peers.list(room)).includes('a'), 'it is in lists while it is away')
      t.equal(await other.peers.count(room), 3, 'and counts')
      t.notOk(ids(one.peers.here(room)).includes('a'), 'but nobody has its connection')
      const others: string[][] = []
      const again = await enter(back, { id: 'a', info: { username: 'A' }, welcome: (peers) => String(others.push(ids(peers))) })
      t.same(others.map((ids) => ids.sort()), [['witness', 'witness 2']], 'it is welcomed with the others')
      t.same(await settled(), [])
      await back.peers.leave(again)
      t.same(await settled(), ['left a'], 'it leaves as ever')
    }
  })

  scenario('what was sent to it meanwhile comes after its welcome, in order, once', async (t, { one, other, enter }) => {
    const sink = new Inbox()
    const member = await enter(one, { id: 'a', sink })
    t.equal(await other.relay.send(room, 'a', 'before', 'witness 2'), 'sent')
    t.same(await sink.got(1), ['before'])
    await one.peers.leave(member, true)
    for (let at = 0; at < 5; at++) {
      t.equal(await other.relay.send(room, 'a', `${at} from witness 2`, 'witness 2'), 'sent')
      t.equal(await one.relay.send(room, 'a', `${at} from witness`, 'witness'), 'sent')
    }
    const back = new Inbox()
    const again = await enter(other, { id: 'a', sink: back, welcome: () => 'welcome' })
    await other.relay.send(room, 'a', 'after', 'witness 2')
    const got = await back.got(12)
    t.equal(got[0], 'welcome')
    t.same(got.filter((frame) => frame.endsWith('from witness 2')), [0, 1, 2, 3, 4].map((at) => `${at} from witness 2`))
    t.same(got.filter((frame) => frame.endsWith('from witness')), [0, 1, 2, 3, 4].map((at) => `${at} from witness`))
    t.equal(got.at(-1), 'after')
    t.same(sink.frames, [], 'and nothing to its old connection')
    await other.peers.leave(again, true)
    const third = new Inbox()
    await enter(one, { id: 'a', sink: third, welcome: () => 'welcome' })
    t.same(await third.got(1), ['welcome'], 'nor again, when it comes back once more')
  })

  scenario('a second drop while its mail waits keeps the rest of its mail', async (t, { one, other, enter }) => {
    await one.peers.leave(await enter(one, { id: 'a' }), true)
    await other.relay.send(room, 'a', 'first', 'witness 2')
    const second = new Inbox()
    await other.peers.leave(await enter(other, { id: 'a', sink: second }), true)
    t.same(await second.got(1), ['first'])
    await one.relay.send(room, 'a', 'second', 'witness')
    const third = new Inbox()
    await enter(one, { id: 'a', sink: third })
    t.same(await third.got(1), ['second'])
  })

  scenario('frames in sessions, mail and signals for all wait, too', async (t, { one, other, enter }) => {
    const b = new Inbox()
    await enter(other, { id: 'b', sink: b })
    const member = await enter(one, { id: 'a' })
    const frame = (session: string | undefined) => JSON.stringify({ session })
    const signal = { room, from: 'b', to: 'a', idleMs: 5_000, frame }
    t.equal(await other.sessions.send({ ...signal, session: 'call', begins: true }), 'sent')
    await one.peers.leave(member, true)
    t.equal(await other.sessions.send({ ...signal, session: undefined, begins: false }), 'sent', 'its session goes on')
    const mail = { room, from: 'b', to: 'a', frame: 'mail', keepMs: 100, expired: () => 'expired' }
    t.equal(await other.relay.sendOrKeep(mail), 'kept')
    await other.relay.broadcast(room, 'signal to all', 'b', { isSignal: true })
    await other.relay.broadcast(room, 'news', 'b')
    const back = new Inbox()
    await enter(other, { id: 'a', sink: back })
    t.same(await back.got(3), ['{"session":"call"}', 'mail', 'signal to all'])
    const answer = { room, from: 'a', to: 'b', idleMs: 5_000, frame }
    t.equal(await other.sessions.send({ ...answer, session: undefined, begins: false }), 'sent')
    await until(() => b.frames.includes('{"session":"call"}'))
  })

  scenario('who has not come back leaves once, and each of its senders hears it once', async (t, given) => {
    const { one, other, enter, settled, pass } = given
    const heard: string[] = []
    const undeliverable = (name: string) => (to: string, why: string) => heard.push(`${name}: ${to} ${why}`)
    await enter(one, { id: 'b', undeliverable: undeliverable('b') })
    await enter(other, { id: 'c', undeliverable: undeliverable('c') })
    const silent = await enter(other, { id: 'silent', undeliverable: undeliverable('silent') })
    const member = await enter(one, { id: 'a' })
    await settled()
    await one.peers.leave(member, true)
    for (let at = 0; at < 3; at++) {
      t.equal(await one.relay.send(room, 'a', `${at}`, 'b'), 'sent')
      t.equal(await other.relay.send(room, 'a', `${at}`, 'c'), 'sent')
    }
    await other.peers.leave(silent)
    await pass(ms - leeway)
    t.same(await settled(), ['left silent'])
    t.same(heard, [], 'the senders hear nothing while it may come back')
    await pass(2 * leeway)
    await until(() => heard.length >= 2)
    t.same(await settled(), ['left a'])
    t.same(heard.sort(), ['b: a expired', 'c: a expired'])
    t.equal(await one.relay.send(room, 'a', 'late', 'b'), 'absent')
    t.match(one.size(), { mailboxes: 0, mailboxBytes: 0 })
    await until(() => other.size().mailboxes === 0)
    const sink = new Inbox()
    await enter(other, { id: 'a', sink, welcome: () => 'welcome' })
    t.same(await sink.got(1), ['welcome'], 'its mail is gone')
    t.same(await settled(), ['joined a'])
  })

  scenario('a meant end is a leave at once, and so is every end without a grace', async (t, { one, other, enter, settled }) => {
    const [meant, plain] = [await enter(one, { id: 'a' }), await enter(one, { id: 'b', grace: undefined })]
    await settled()
    await one.peers.leave(meant)
    await one.peers.leave(plain, true)
    t.same(await settled(), ['left a', 'left b'])
    t.equal(await other.relay.send(room, 'a', 'frame', 'witness 2'), 'absent')
    t.equal(await other.relay.send(room, 'b', 'frame', 'witness 2'), 'absent')
  })

  scenario('another is refused the id of who is away, at once, unless it may replace it', async (t, { one, other, enter, settled }) => {
    const heard: string[] = []
    await enter(other, { id: 'b', undeliverable: (to, why) => heard.push(`${to} ${why}`) })
    await one.peers.leave(await enter(one, { id: 'a', owner: 'subject:alice', grace: { ms, as: 'subject:alice' } }), true)
    await settled()
    const bob = { room, id: 'a', sink: new Inbox(), owner: 'subject:bob', grace: { ms, as: 'subject:bob' } }
    t.equal((await other.peers.join({ ...bob, replace: true })).outcome, 'taken')
    t.equal((await one.peers.join({ ...bob, replace: false })).outcome, 'taken')
    const alice = await enter(other, { id: 'a', owner: 'subject:alice', replace: false, grace: { ms, as: 'subject:alice' } })
    t.same(await settled(), [], 'the same comes back, though nobody may be replaced')
    await other.peers.leave(alice)
    await settled()

    await one.peers.leave(await enter(one, { id: 'open', grace: { ms, as: 'address:192.0.2.1' } }), true)
    t.equal(await other.relay.send(room, 'open', 'for the first', 'b'), 'sent')
    await settled()
    const sink = new Inbox()
    await enter(other, { id: 'open', sink, grace: { ms, as: 'address:192.0.2.2' }, welcome: () => 'welcome' })
    t.same(await settled(), ['joined open'], 'that is a takeover')
    await until(() => heard.length > 0)
    t.same(heard, ['open expired'], 'whose senders hear that their frames did not arrive')
    t.equal(await one.relay.send(room, 'open', 'for the second', 'witness'), 'sent')
    t.same(await sink.got(2), ['welcome', 'for the second'])
  })

  scenario('a takeover by the same peer is a return', async (t, { one, other, enter, settled }) => {
    const old = new Inbox()
    const member = await enter(one, { id: 'a', sink: old, info: { username: 'A' } })
    await settled()
    await enter(other, { id: 'a', info: { username: 'A' } })
    t.equal(await old.closedWith(), closeCodes.replaced)
    t.same(await settled(), [])
    t.equal(await one.peers.leave(member, true), false, 'the late end of the old connection changes nothing')
    await enter(other, { id: 'a', info: { username: 'another' } })
    t.same(await settled(), ['joined a'], 'unless it looks different to others')
  })

  scenario('who is away keeps its place among the members, until an administrator has closed it', async (t, given) => {
    const { one, other, enter, settled } = given
    await one.peers.leave(await enter(one, { id: 'a' }), true)
    await enter(one, { id: 'b' })
    await settled()
    t.same(ids(await other.peers.list(room)).filter((id) => id.length === 1), ['a', 'b'])
    t.equal(await other.peers.disconnect(room, 'a', { code: closeCodes.policy, reason: 'Go' }), 'closed')
    t.same(await settled(), ['left a'])
    t.same(ids(await one.peers.list(room)).filter((id) => id.length === 1), ['b'])
  })

  scenario('a mailbox that is full refuses the next frame at once', async (t, { one, other, enter }) => {
    await one.peers.leave(await enter(one, { id: 'a' }), true)
    let sent = 0
    while (await other.relay.send(room, 'a', `${sent}`, 'witness 2') === 'sent') sent++
    t.equal(sent, 16, 'a sender has its share')
    t.equal(await other.relay.send(room, 'a', 'from another', 'b'), 'sent')
    const back = new Inbox()
    await enter(one, { id: 'a', sink: back })
    t.equal((await back.got(17)).length, 17)
    t.equal(await other.relay.send(room, 'a', 'there is room again', 'witness 2'), 'sent')
    t.same(await back.got(1), ['there is room again'])
  }, { maxMessages: 20, maxBytes: 1_000_000 })

  scenario('a peer that is away counts among the members that a room may have', async (t, { one, other, enter }) => {
    await one.peers.leave(await enter(one, { id: 'a' }), true)
    const newcomer = { room, id: 'b', sink: new Inbox(), replace: true, maxMembers: 3 }
    t.equal((await other.peers.join(newcomer)).outcome, 'full')
    await enter(other, { id: 'a', maxMembers: 3 })
  })

  scenario('its return ends the grace', async (t, { one, other, enter, settled, pass }) => {
    await one.peers.leave(await enter(one, { id: 'a' }), true)
    await pass(ms / 2)
    await enter(other, { id: 'a' })
    await settled()
    await pass(ms)
    t.same(await settled(), [])
  })
}

function ids (peers: readonly Peer[]): string[] {
  return peers.map(({ id }) => id)
}
