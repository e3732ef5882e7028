import fc from 'fast-check'
import type { Test } from 'tap'
import { closeCodes } from '../../src/frame/close-codes.js'
import { payloadOf } from '../../src/frame/bytes.js'
import type {
  CloseRequest, FrameLike, JoinRequest, MailboxLimits, Member, Peer, RoomMail, Sink, State, StateSize
} from '../../src/state/contract.js'
import { until } from '../helper.js'

export interface StateUnderTest {
  readonly state: State
  /** Lets so many ms go by. */
  readonly pass: (ms: number) => void | Promise<void>
}

/** Makes a State of its own for a test, and closes it with the test. */
export type MakeState = (t: Test, limits: MailboxLimits) => StateUnderTest | Promise<StateUnderTest>

export const generous: MailboxLimits = { maxMessages: 1024, maxBytes: 1_048_576, totalBytes: 67_108_864 }

const nothing: StateSize = { peers: 0, rooms: 0, largestRoom: 0, mailboxes: 0, mailboxBytes: 0, sessions: 0, attempts: 0 }

/** The least time that every implementation can tell from the next: what is due then has come, what is not has not. In ms. */
const leeway = 200
const keepMs = 1000
/** Sessions that one peer may have begun. */
const mostBegun = 64
const opened = { prefix: 'rooms/', digits: 4, idleMs: 2000, emptyMs: 1000 }

/** Ids as dialects take them: of all planes, with quotes, backslashes and line separators, right to left, and as long as can be. */
const anyId = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
  fc.string({
    unit: fc.constantFrom(
      '"', '\\', '/', ' ', '\u2028', '\ufeff', '\ufffe', '\uffff', '\u05d0', '\u202e', '\u0301',
      '\u{1f600}', '\u{1fffe}', '\u{10ffff}', '%', '*', '[', '{sb:0}'
    ),
    minLength: 1,
    maxLength: 20
  }),
  fc.constantFrom('\u{10ffff}'.repeat(128), 'é'.repeat(256), '__proto__')
).filter((id) => id.length <= 256 && !/\p{Cc}/u.test(id))

/** The receiving end of a peer, as a socket would be. */
export class Inbox implements Sink {
  readonly frames: string[] = []
  readonly closes: number[] = []
  /** What the last close came with. */
  ending: Partial<CloseRequest> = {}
  seenAt = 1_700_000_000_000
  takes = true

  deliver (frame: FrameLike): boolean {
    if (this.takes) this.frames.push(String(payloadOf(frame)))
    return this.takes
  }

  close (code: number, reason?: string, by?: string): void {
    this.closes.push(code)
    this.ending = { code, by, ...(reason !== undefined && { reason }) }
  }

  /** The frames that came, once there are so many. */
  async got (count: number): Promise<string[]> {
    await until(() => this.frames.length >= count)
    return this.frames.splice(0)
  }

  async closedWith (): Promise<number> {
    await until(() => this.closes.length > 0)
    return this.closes.shift() as number
  }
}

/** The receiving end of a peer that can be asked whether it is there. */
class Asked extends Inbox {
  isClosing = false
  /** How often it was asked. */
  asked = 0
  /** What it answers, once it does. */
  answer: (isThere: boolean) => void = () => {}
  readonly #answered = new Promise<boolean>((resolve) => { this.answer = resolve })

  isThere (): boolean | Promise<boolean> {
    if (this.isClosing) return false
    this.asked++
    return this.#answered
  }
}

/** What the watchers of tom are told from now on. */
function toldOf ({ peers }: State): string[] {
  const told: string[] = []
  peers.watch('tom', { joined: (_room, { id }) => told.push(`joined ${id}`), left: (_room, { id }) => told.push(`left ${id}`) })
  return told
}

const ids = (peers: readonly Peer[]) => peers.map(({ id }) => id)

/** Everything that dialects rely on, wherever the state is kept. */
export function stateContract (t: Test, makeState: MakeState): void {
  /** One test over a state of its own, with `enter` for joins that work. */
  function scenario (
    title: string,
    run: (t: Test, given: StateUnderTest & { enter: (join: Partial<JoinRequest> & { id: string }) => Promise<Member> }) => Promise<void>,
    limits: Partial<MailboxLimits> = {}
  ): void {
    t.test(title, async (t) => {
      const { state, pass } = await makeState(t, { ...generous, ...limits })
      const enter = async (join: Partial<JoinRequest> & { id: string }): Promise<Member> => {
        const joined = await state.peers.join({ room: 'tom', sink: new Inbox(), replace: true, ...join })
        if (joined.outcome !== 'joined') throw new Error(`${join.id} was not let in: ${joined.outcome}`)
        return joined.member
      }
      await run(t, { state, pass, enter })
    })
  }

  scenario('a member is what it joined with', async (t, { state, enter }) => {
    const sink = new Inbox()
    const member = await enter({ id: 'a', sink, info: { username: 'A' } })
    t.match(member, { room: 'tom', id: 'a', info: { username: 'A' }, seenAt: sink.seenAt })
    const [listed] = await state.peers.list('tom')
    t.match(listed, { id: 'a', info: { username: 'A' }, seenAt: sink.seenAt })
  })

  scenario('info that was not given is empty', async (t, { state, enter }) => {
    await enter({ id: 'a' })
    t.same((await state.peers.list('tom'))[0]?.info, {})
  })

  scenario('members are listed in the order they joined', async (t, { state, enter }) => {
    for (const id of ['10', 'b', '9', 'a', '__proto__', 'constructor']) await enter({ id })
    t.same(ids(await state.peers.list('tom')), ['10', 'b', '9', 'a', '__proto__', 'constructor'])
    t.same(await state.peers.list('drone'), [], 'and a room that nobody joined has none')
  })

  scenario('whoever joins again under its id keeps its place, over whichever connection', async (t, { state, enter }) => {
    const sinks = new Map(['c', 'a', 'b'].map((id) => [id, new Inbox()]))
    const members = new Map<string, Member>()
    for (const [id, sink] of sinks) members.set(id, await enter({ id, sink }))
    await enter({ id: 'c', sink: sinks.get('c') as Sink, leaving: members.get('c') })
    t.same(ids(await state.peers.list('tom')), ['c', 'a', 'b'], 'over its own')
    const others: string[][] = []
    await enter({ id: 'a', welcome: (peers) => String(others.push(ids(peers))) })
    t.same(ids(await state.peers.list('tom')), ['c', 'a', 'b'], 'over another')
    t.same(others, [['c', 'b']])
    await enter({ id: 'd', sink: sinks.get('b') as Sink, leaving: members.get('b') })
    t.same(ids(await state.peers.list('tom')), ['c', 'a', 'd'], 'and not under another id')
    await enter({ id: 'b' })
    t.same(ids(await state.peers.list('tom')), ['c', 'a', 'd', 'b'], 'nor once it has left')
    t.same(ids(state.peers.here('tom')), ['c', 'a', 'd', 'b'])
  })

  scenario('whoever joins again keeps its place in a room that is watched', async (t, { state, enter }) => {
    const told = toldOf(state)
    for (const id of ['c', 'a', 'b', 'c', 'a']) await enter({ id })
    await until(() => told.length >= 5)
    t.same(told, ['joined c', 'joined a', 'joined b', 'joined c', 'joined a'])
    t.same(ids(await state.peers.list('tom')), ['c', 'a', 'b'])
    t.same(ids(state.peers.here('tom')), ['c', 'a', 'b'])
  })

  scenario('a room has as many members as are in it, and one that nobody joined has none', async (t, { state, enter }) => {
    t.equal(await state.peers.count('drone'), 0)
    const a = await enter({ room: 'drone', id: 'a' })
    await enter({ room: 'drone', id: 'b' })
    await enter({ room: 'drone', id: 'b' })
    await enter({ room: 'psync/x', id: 'c' })
    t.same([await state.peers.count('drone'), await state.peers.count('psync/x'), await state.peers.count('psync')], [2, 1, 0])
    await state.peers.leave(a)
    t.equal(await state.peers.count('drone'), 1)
  })

  scenario('a sample has as many different members as were asked for, and never the one excepted', async (t, { state, enter }) => {
    t.same(await state.peers.sample('tom', 3), [], 'none of a room that nobody joined')
    const all = ['a', 'b', 'c', 'd', 'e', '__proto__']
    const members = new Map<string, Member>()
    for (const id of all) members.set(id, await enter({ id, info: { name: id } }))
    const drawn = new Set<string>()
    // That none comes up in so many draws happens once in 10^11.
    for (let draw = 0; draw < 100; draw++) {
      const sample = ids(await state.peers.sample('tom', 2, 'a'))
      t.equal(new Set(sample).size, 2)
      for (const id of sample) drawn.add(id)
    }
    t.same([...drawn].sort(), all.filter((id) => id !== 'a').sort())
    t.same(ids(await state.peers.sample('tom', 9)).sort(), [...all].sort(), 'a small room gives all it has')
    t.same(ids(await state.peers.sample('tom', 9, 'nobody')).sort(), [...all].sort())
    t.same(ids(await state.peers.sample('tom', 5, 'a')).sort(), [...drawn].sort())
    for (const count of [0, -1]) t.same(await state.peers.sample('tom', count), [])
    await state.peers.leave(members.get('b') as Member)
    await enter({ id: 'c', info: { name: 'later' } })
    const after = await state.peers.sample('tom', 9)
    t.same(ids(after).sort(), all.filter((id) => id !== 'b').sort())
    t.same(after.find(({ id }) => id === 'c')?.info, { name: 'later' })
    for (const id of all) {
      const [listed] = (await state.peers.list('tom')).filter((member) => member.id === id)
      if (listed !== undefined) await state.peers.leave(id === 'c' ? await enter({ id }) : members.get(id) as Member)
    }
    t.same(await state.peers.sample('tom', 3), [])
    t.same(state.size(), nothing)
  })

  scenario('those of a room who are here are told and closed in the order they joined', async (t, { state, enter }) => {
    t.same(state.peers.here('tom'), [])
    const order: string[] = []
    class Told extends Inbox {
      override close (code: number): void {
        order.push(`${this.frames.join()} ${code}`)
      }
    }
    for (const id of ['10', 'b', '9', 'a']) await enter({ id, sink: new Told(), welcome: () => id })
    await enter({ id: 'b', sink: new Told(), welcome: () => 'b again' })
    await enter({ room: 'drone', id: 'elsewhere' })
    await state.peers.leave(state.peers.here('tom')[2] as Member)
    order.length = 0
    for (const { sink } of state.peers.here('tom')) {
      sink.deliver('bye')
      sink.close(1001)
    }
    t.same(order, ['10,bye 1001', 'b again,bye 1001', 'a,bye 1001'])
    t.same(state.peers.here('tom'), await state.peers.list('tom'))
  })

  scenario('ids of every plane of Unicode register, are listed, are sent to and from, and leave', async (t, { state, enter }) => {
    const left: string[] = []
    state.peers.watch('tom', { left: (_room, { id }) => left.push(id) })
    for (const [room, sink] of [['tom', new Inbox()], ['psync/ \\"/ü\u{10ffff}', new Inbox()]] as const) {
      await fc.assert(fc.asyncProperty(fc.uniqueArray(anyId, { minLength: 2, maxLength: 6 }), async (all) => {
        const members = []
        for (const id of all) members.push(await enter({ room, id, sink: new Inbox(), info: { username: id } }))
        t.same((await state.peers.list(room)).map(({ id, info }) => [id, info.username]), all.map((id) => [id, id]))
        for (const { id, sink } of members) {
          t.equal(await state.relay.send(room, id, `to ${id}`, all[0]), 'sent')
          t.same(await (sink as Inbox).got(1), [`to ${id}`])
        }
        const [one, other] = all as [string, string]
        const frame = (session: string | undefined) => JSON.stringify([session])
        const first = { room, from: one, to: other, session: one, begins: true, idleMs: 1000, frame }
        t.equal(await state.sessions.send(first), 'sent')
        t.same(await (members[1]?.sink as Inbox).got(1), [JSON.stringify([one])])
        t.equal(await state.peers.disconnect(room, other, { code: closeCodes.policy, reason: 'Go' }), 'closed')
        for (const member of members) t.equal(await state.peers.leave(member), true)
        t.equal(await state.peers.count(room), 0)
        const kept = { room, from: one, to: other, frame: `kept for ${other}`, keepMs, expired: () => 'expired' }
        t.equal(await state.relay.sendOrKeep(kept), 'kept')
        await state.peers.leave(await enter({ room, id: other, sink }))
        t.same(await sink.got(1), [`kept for ${other}`])
        if (room === 'tom') {
          await until(() => left.length === all.length + 1)
          t.same(left.splice(0), [...all, other])
        }
      }), { numRuns: 12 })
    }
  })

  scenario('the list that was given does not change afterwards', async (t, { state, enter }) => {
    await enter({ id: 'a' })
    const list = await state.peers.list('tom')
    await enter({ id: 'b' })
    t.same(ids(list), ['a'])
  })

  scenario('the same id in two rooms is two peers', async (t, { state, enter }) => {
    const [one, other] = [new Inbox(), new Inbox()]
    await enter({ room: 'psync/x', id: 'a', sink: one })
    await enter({ room: 'psync/y', id: 'a', sink: other })
    await state.relay.send('psync/x', 'a', 'for x')
    await state.relay.send('psync/y', 'a', 'for y')
    t.same([await one.got(1), await other.got(1)], [['for x'], ['for y']])
    t.same([one.closes, other.closes], [[], []])
  })

  scenario('a newer connection takes the id over and the older one is closed with 4000', async (t, { state, enter }) => {
    const [older, newer] = [new Inbox(), new Inbox()]
    await enter({ id: 'a', sink: older })
    await enter({ id: 'a', sink: newer })
    t.equal(await older.closedWith(), closeCodes.replaced)
    t.equal(await state.relay.send('tom', 'a', 'hello'), 'sent')
    t.same(await newer.got(1), ['hello'])
    t.same(older.frames, [])
    t.same(ids(await state.peers.list('tom')), ['a'])
  })

  scenario('the late leave of a replaced member changes nothing', async (t, { state, enter }) => {
    const newer = new Inbox()
    const heard: string[] = []
    state.peers.watch('tom', { left: (_room, { id }) => heard.push(id) })
    const older = await enter({ id: 'a' })
    await enter({ id: 'a', sink: newer })
    t.equal(await state.peers.leave(older), false)
    t.same(ids(await state.peers.list('tom')), ['a'])
    t.equal(await state.relay.send('tom', 'a', 'hello'), 'sent')
    t.same(await newer.got(1), ['hello'])
    t.same(newer.closes, [])
    const last = await enter({ id: 'last' })
    await state.peers.leave(last)
    await until(() => heard.includes('last'))
    t.same(heard, ['last'], 'nobody hears of it')
  })

  scenario('a member leaves once', async (t, { state, enter }) => {
    const member = await enter({ id: 'a' })
    t.equal(await state.peers.leave(member), true)
    t.equal(await state.peers.leave(member), false)
    t.same(await state.peers.list('tom'), [])
  })

  scenario('a member that left cannot end the registration that came after it', async (t, { state, enter }) => {
    const sink = new Inbox()
    const first = await enter({ id: 'a', sink })
    await state.peers.leave(first)
    await enter({ id: 'a', sink })
    t.equal(await state.peers.leave(first), false)
    t.same(ids(await state.peers.list('tom')), ['a'])
  })

  scenario('who is disconnected is closed with the code and the reason, and told whose wish it was', async (t, { state, enter }) => {
    const [sink, namesake, other] = [new Inbox(), new Inbox(), new Inbox()]
    await enter({ room: 'psync/a b/ü', id: 'x/y z', sink })
    await enter({ room: 'psync/c', id: 'x/y z', sink: namesake })
    await enter({ room: 'psync/a b/ü', id: 'other', sink: other })
    const ending = { code: closeCodes.policy, reason: 'Go', by: 'somebody' }
    t.equal(await state.peers.disconnect('psync/a b/ü', 'x/y z', ending), 'closed')
    t.equal(await sink.closedWith(), closeCodes.policy)
    t.same(sink.ending, ending)
    t.same([namesake.closes, other.closes], [[], []], 'and nobody else is')
  })

  scenario('who is not there cannot be disconnected', async (t, { state, enter }) => {
    const sink = new Inbox()
    const member = await enter({ id: 'a', sink })
    const ending = { code: closeCodes.policy, reason: 'Go' }
    for (const [room, id] of [['tom', 'b'], ['drone', 'a'], ['tom', '__proto__']] as const) {
      t.equal(await state.peers.disconnect(room, id, ending), 'absent', `${id} in ${room}`)
    }
    await state.peers.leave(member)
    t.equal(await state.peers.disconnect('tom', 'a', ending), 'absent')
    t.same(sink.closes, [])
  })

  scenario('nobody is disconnected with a code or a reason that no close can have', async (t, { state, enter }) => {
    const sink = new Inbox()
    await enter({ id: 'a', sink })
    for (const ending of [{ code: 999, reason: '' }, { code: 1006, reason: '' }, { code: 4500, reason: 'x'.repeat(124) }]) {
      for (const id of ['a', 'elsewhere']) t.throws(() => state.peers.disconnect('tom', id, ending), RangeError)
    }
    t.same(sink.closes, [])
  })

  scenario('after a takeover it is the newer connection that is disconnected', async (t, { state, enter }) => {
    const [older, newer] = [new Inbox(), new Inbox()]
    await enter({ id: 'a', sink: older })
    await enter({ id: 'a', sink: newer })
    t.equal(await older.closedWith(), closeCodes.replaced)
    t.equal(await state.peers.disconnect('tom', 'a', { code: closeCodes.policy, reason: 'Go' }), 'closed')
    t.equal(await newer.closedWith(), closeCodes.policy)
    t.same(older.closes, [])
  })

  scenario('without replace the id stays with who has it', async (t, { state, enter }) => {
    const [older, newer] = [new Inbox(), new Inbox()]
    await enter({ id: 'a', sink: older })
    t.same(await state.peers.join({ room: 'tom', id: 'a', sink: newer, replace: false }), { outcome: 'taken' })
    await state.relay.send('tom', 'a', 'hello')
    t.same(await older.got(1), ['hello'])
    t.same([older.closes, newer.frames], [[], []])
  })

  scenario('a holder whose socket is closing does not hold its id, whoever asks for it', async (t, { state, enter }) => {
    const told = toldOf(state)
    let holder = new Asked()
    const first = await enter({ id: 'a', sink: holder, owner: '0' })
    for (const [round, replace] of [false, true, false].entries()) {
      holder.isClosing = true
      const newcomer = new Asked()
      const request = { room: 'tom', id: 'a', sink: newcomer, owner: `${round + 1}`, replace, welcome: () => 'welcome' }
      const joined = await state.peers.join(request)
      t.equal(joined.outcome, 'joined')
      t.equal(await state.relay.send('tom', 'a', 'hello'), 'sent')
      t.same(await newcomer.got(2), ['welcome', 'hello'])
      t.same(ids(await state.peers.list('tom')), ['a'])
      t.equal(holder.asked, 0, 'its client is not asked')
      holder = newcomer
    }
    t.equal(await state.peers.leave(first), false, 'what closed late changes nothing')
    await until(() => told.length >= 7)
    t.same(told, ['joined a', ...Array.from({ length: 3 }, () => ['left a', 'joined a']).flat()])
  })

  scenario('a holder is asked whether it is there before another connection is refused its id', async (t, { state, enter }) => {
    const [holder, newcomer] = [new Asked(), new Asked()]
    await enter({ id: 'a', sink: holder, owner: 'mine' })
    const joining = [{ replace: false, owner: 'mine' }, { replace: true, owner: 'yours' }].map(async (join) => {
      return await state.peers.join({ room: 'tom', id: 'a', sink: newcomer, ...join })
    })
    await until(() => holder.asked > 0)
    holder.answer(true)
    t.same(await Promise.all(joining), [{ outcome: 'taken' }, { outcome: 'taken' }])
    await state.relay.send('tom', 'a', 'hello')
    t.same(await holder.got(1), ['hello'])
    t.same([holder.closes, newcomer.frames], [[], []])
  })

  scenario('who does not answer gives its id to the newcomer, and leaves late without effect', async (t, { state, enter }) => {
    const told = toldOf(state)
    const [holder, newcomer] = [new Asked(), new Asked()]
    const held = await enter({ id: 'a', sink: holder })
    const joining = state.peers.join({ room: 'tom', id: 'a', sink: newcomer, replace: false, welcome: () => 'welcome' })
    await until(() => holder.asked > 0)
    t.same(ids(await state.peers.list('tom')), ['a'], 'it holds the id until then')
    holder.answer(false)
    t.equal((await joining).outcome, 'joined')
    t.equal(await state.peers.leave(held), false)
    await state.relay.send('tom', 'a', 'hello')
    t.same(await newcomer.got(2), ['welcome', 'hello'])
    t.same([holder.frames, ids(await state.peers.list('tom'))], [[], ['a']])
    await until(() => told.length >= 3)
    t.same(told, ['joined a', 'left a', 'joined a'])
  })

  scenario('of several newcomers who wait for one holder, one has the id', async (t, { state, enter }) => {
    const holder = new Asked()
    await enter({ id: 'a', sink: holder })
    const newcomers = Array.from({ length: 5 }, () => new Asked())
    for (const newcomer of newcomers) newcomer.answer(true)
    const joining = newcomers.map(async (sink) => (await state.peers.join({ room: 'tom', id: 'a', sink, replace: false })).outcome)
    await until(() => holder.asked > 0)
    holder.answer(false)
    t.same((await Promise.all(joining)).sort(), ['joined', 'taken', 'taken', 'taken', 'taken'])
    t.same(newcomers.flatMap(({ closes }) => closes), [])
    t.equal(await state.peers.count('tom'), 1)
  })

  scenario('a newcomer that goes while the holder is asked does not join', async (t, { state, enter }) => {
    const told = toldOf(state)
    const [holder, newcomer] = [new Asked(), new Asked()]
    await enter({ id: 'a', sink: holder })
    const joining = state.peers.join({ room: 'tom', id: 'a', sink: newcomer, replace: false })
    await until(() => holder.asked > 0)
    newcomer.isClosing = true
    holder.answer(false)
    t.same(await joining, { outcome: 'taken' })
    await until(() => told.length >= 2)
    t.same([told, await state.peers.count('tom')], [['joined a', 'left a'], 0])
  })

  scenario('who takes over its own id asks nobody', async (t, { enter }) => {
    const holder = new Asked()
    const first = await enter({ id: 'a', sink: holder, owner: 'mine' })
    await enter({ id: 'a', sink: holder, owner: 'mine', replace: false, leaving: first })
    await enter({ id: 'a', owner: 'mine' })
    t.equal(await holder.closedWith(), closeCodes.replaced)
    t.equal(holder.asked, 0)
  })

  scenario('a connection always replaces itself and is not closed', async (t, { state, enter }) => {
    const sink = new Inbox()
    const first = await enter({ id: 'a', sink, info: { username: 'old' } })
    const second = await enter({ id: 'a', sink, info: { username: 'new' }, replace: false, leaving: first })
    t.same((await state.peers.list('tom'))[0]?.info, { username: 'new' })
    t.same(sink.closes, [])
    t.equal(await state.peers.leave(first), false, 'the earlier place is given up')
    t.equal(await state.peers.leave(second), true)
  })

  scenario('only the same owner takes an id over', async (t, { state, enter }) => {
    const older = new Inbox()
    await enter({ id: 'a', sink: older, owner: 'one' })
    const join = { room: 'tom', id: 'a', replace: true }
    t.same(await state.peers.join({ ...join, sink: new Inbox(), owner: 'two' }), { outcome: 'taken' })
    t.same(await state.peers.join({ ...join, sink: new Inbox() }), { outcome: 'taken' }, 'no owner is another owner')
    t.same(older.closes, [])
    await enter({ id: 'a', owner: 'one' })
    t.equal(await older.closedWith(), closeCodes.replaced)
  })

  scenario('a room with maxMembers is full, but a takeover needs no place', async (t, { state, enter }) => {
    await enter({ id: 'a' })
    const b = await enter({ id: 'b', maxMembers: 2 })
    t.same(await state.peers.join({ room: 'tom', id: 'c', sink: new Inbox(), replace: true, maxMembers: 2 }), { outcome: 'full' })
    await enter({ id: 'a', maxMembers: 2 })
    await enter({ id: 'c', maxMembers: 2, leaving: b })
    t.same(ids(await state.peers.list('tom')).sort(), ['a', 'c'], 'nor does one who gives up a place there')
  })

  scenario('a place given up elsewhere makes no room in a full one', async (t, { state, enter }) => {
    await enter({ room: 'psync/x', id: 'a' })
    const b = await enter({ room: 'psync/y', id: 'b' })
    const join = { room: 'psync/x', id: 'b', sink: new Inbox(), replace: true, maxMembers: 1, leaving: b }
    t.same(await state.peers.join(join), { outcome: 'full' })
    t.same(ids(await state.peers.list('psync/y')), ['b'], 'and a join that fails leaves nothing')
  })

  scenario('a place that was taken over already gives up nothing', async (t, { state, enter }) => {
    const replaced = await enter({ id: 'a' })
    await enter({ id: 'a' })
    const join = { room: 'tom', id: 'b', sink: new Inbox(), replace: true, maxMembers: 1, leaving: replaced }
    t.same(await state.peers.join(join), { outcome: 'full' })
    await enter({ id: 'c', leaving: replaced })
    t.same(ids(await state.peers.list('tom')), ['a', 'c'])
  })

  scenario('a join that asks for an opened room is refused where none is', async (t, { state, enter }) => {
    const join = { room: 'rooms/1234', id: 'a', sink: new Inbox(), replace: false, requireOpen: true }
    t.same(await state.peers.join(join), { outcome: 'missing' })
    await enter({ room: 'rooms/1234', id: 'b' })
    t.same(await state.peers.join(join), { outcome: 'missing' }, 'one that came to be by a join is not open')
  })

  scenario('a join that fails changes nothing', async (t, { state, enter }) => {
    const sink = new Inbox()
    const heard: string[] = []
    state.peers.watch('psync', {
      joined: (room, { id }) => heard.push(`+${room} ${id}`),
      left: (room, { id }) => heard.push(`-${room} ${id}`)
    })
    await enter({ room: 'psync/x', id: 'a' })
    const place = await enter({ room: 'psync/y', id: 'b', sink })
    const welcome = () => 'welcome'
    await state.peers.join({ room: 'psync/x', id: 'a', sink, replace: false, leaving: place, welcome })
    await state.peers.join({ room: 'psync/z', id: 'a', sink, replace: false, requireOpen: true, leaving: place, welcome })
    await enter({ room: 'psync/y', id: 'last' })
    await until(() => heard.includes('+psync/y last'))
    t.same(heard, ['+psync/x a', '+psync/y b', '+psync/y last'])
    t.same(sink.frames, [])
    t.same(ids(await state.peers.list('psync/y')), ['b', 'last'])
    t.same(await state.peers.list('psync/z'), [])
  })

  scenario('who joins elsewhere leaves the earlier place, and both are told', async (t, { state, enter }) => {
    const heard: string[] = []
    state.peers.watch('psync', {
      joined: (room, { id }) => heard.push(`+${room} ${id}`),
      left: (room, { id }) => heard.push(`-${room} ${id}`)
    })
    const sink = new Inbox()
    const first = await enter({ room: 'psync/x', id: 'a', sink })
    const second = await enter({ room: 'psync/y', id: 'a', sink, leaving: first })
    await enter({ room: 'psync/y', id: 'b', sink, leaving: second })
    await until(() => heard.length >= 5)
    const heardIn = (room: string) => heard.filter((event) => event.includes(room)).map((event) => event.replace(room, ''))
    t.same([heardIn('psync/x'), heardIn('psync/y')], [['+ a', '- a'], ['+ a', '- a', '+ b']], 'in each room')
    t.same(await state.peers.list('psync/x'), [])
    t.same(ids(await state.peers.list('psync/y')), ['b'])
    t.same(sink.closes, [])
  })

  scenario('a watcher hears of each join and leave once and in order, and a takeover is a join', async (t, { state, enter }) => {
    const heard: string[] = []
    state.peers.watch('tom', {
      joined: (room, { id, info }) => heard.push(`+${room} ${id} ${info.username ?? ''}`),
      left: (room, { id, info }) => heard.push(`-${room} ${id} ${info.username ?? ''}`)
    })
    await enter({ id: 'a', info: { username: 'A1' } })
    const b = await enter({ id: 'b', info: { username: 'B' } })
    const a = await enter({ id: 'a', info: { username: 'A2' } })
    await state.peers.leave(b)
    await state.peers.leave(a)
    await until(() => heard.length >= 5)
    t.same(heard, ['+tom a A1', '+tom b B', '+tom a A2', '-tom b B', '-tom a A2'])
  })

  scenario('a watcher hears after the fact', async (t, { state, enter }) => {
    const lists: Array<Promise<string[]>> = []
    const note = () => { lists.push(Promise.resolve(state.peers.list('tom')).then(ids)) }
    state.peers.watch('tom', { joined: note, left: note })
    const a = await enter({ id: 'a' })
    await until(() => lists.length >= 1)
    await state.peers.leave(a)
    await until(() => lists.length >= 2)
    t.same(await Promise.all(lists), [['a'], []])
  })

  scenario('a watcher hears of its own dialect only, and each of several hears', async (t, { state, enter }) => {
    const heard: string[] = []
    const hear = (who: string) => ({ joined: (room: string) => heard.push(`${who} ${room}`) })
    state.peers.watch('tom', hear('first'))
    state.peers.watch('tom', hear('tom'))
    state.peers.watch('tomato', hear('tomato'))
    await enter({ room: 'tomato/x', id: 'a' })
    await enter({ room: 'drone', id: 'a' })
    await enter({ room: 'tom', id: 'a' })
    await until(() => heard.length >= 3)
    t.same(heard, ['tomato tomato/x', 'first tom', 'tom tom'])
  })

  scenario('a watcher that throws keeps no other from hearing', async (t, { state, enter }) => {
    const heard: string[] = []
    const left = (): never => { throw new Error('the test') }
    state.peers.watch('tom', { left })
    state.peers.watch('tom', { left: (_room, { id }) => heard.push(id) })
    const member = await enter({ id: 'a' })
    // In memory it throws here.
    await Promise.resolve().then(async () => await state.peers.leave(member)).catch(() => {})
    await until(() => heard.length >= 1)
    t.same(heard, ['a'])
  })

  scenario('the welcome comes first, then the mail, then what is new', async (t, { state, enter }) => {
    const [a, b] = [new Inbox(), new Inbox()]
    state.peers.watch('peerjs', { joined: (room) => { state.relay.broadcastHere(room, () => 'new') } })
    await enter({ room: 'peerjs/k', id: 'a', sink: a })
    t.same(await a.got(1), ['new'])
    for (const frame of ['1', '2', '3']) {
      t.equal(await state.relay.sendOrKeep({ room: 'peerjs/k', from: 'a', to: 'b', frame, keepMs, expired: () => 'expired' }), 'kept')
    }
    await enter({ room: 'peerjs/k', id: 'b', sink: b, welcome: () => 'welcome' })
    t.same(await b.got(5), ['welcome', '1', '2', '3', 'new'])
  })

  scenario('the welcome is given the other members', async (t, { enter }) => {
    await enter({ id: 'a', info: { username: 'A' } })
    await enter({ id: 'b' })
    const given: string[][] = []
    await enter({ id: 'c', welcome: (others) => { given.push(ids(others)); return 'welcome' } })
    await enter({ id: 'b', welcome: (others) => { given.push(ids(others)); return 'welcome' } })
    t.same(given, [['a', 'b'], ['a', 'c']])
  })

  scenario('room names are those that have members and begin alike', async (t, { state, enter }) => {
    const x = await enter({ room: 'psync/x', id: 'a' })
    await enter({ room: 'psync/y', id: 'a' })
    await enter({ room: 'rooms/1', id: 'a' })
    await state.rooms.open({ ...opened, prefix: 'psync/' })
    t.same([...await state.peers.roomNames('psync/')].sort(), ['psync/x', 'psync/y'])
    await state.peers.leave(x)
    t.same(await state.peers.roomNames('psync/'), ['psync/y'])
    t.same(await state.peers.roomNames('drone/'), [])
  })

  scenario('a room opens under digits without a leading zero', async (t, { state, enter }) => {
    for (const digits of [1, 2, 4, 9]) {
      t.match(await state.rooms.open({ ...opened, digits }), new RegExp(`^[1-9]\\d{${digits - 1}}$`))
    }
    const code = await state.rooms.open(opened) as string
    const member = await enter({ room: `rooms/${code}`, id: 'a', requireOpen: true })
    t.equal(member.room, `rooms/${code}`)
  })

  scenario('codes are unused, every one is found, and then none is free', async (t, { state, pass }) => {
    const codes = new Set<string | undefined>()
    for (let room = 0; room < 9; room++) codes.add(await state.rooms.open({ ...opened, digits: 1 }))
    t.same([...codes].sort(), ['1', '2', '3', '4', '5', '6', '7', '8', '9'])
    t.equal(await state.rooms.open({ ...opened, digits: 1 }), undefined)
    t.match(await state.rooms.open({ ...opened, prefix: 'others/', digits: 1 }), /^[1-9]$/, 'another prefix has its own')
    await pass(opened.emptyMs + leeway)
    t.match(await state.rooms.open({ ...opened, digits: 1 }), /^[1-9]$/, 'and they become free again')
  })

  scenario('of a few free codes among many one is found', async (t, { state }) => {
    // Two digits: 90 codes, one after the other until none is free.
    for (let room = 0; room < 90; room++) t.match(await state.rooms.open({ ...opened, digits: 2 }), /^[1-9]\d$/)
    t.equal(await state.rooms.open({ ...opened, digits: 2 }), undefined)
  })

  scenario('of the rooms that one has opened and left empty the first goes for one too many', async (t, { state, enter }) => {
    const sink = new Inbox()
    const open = async (by: string, digits = 4) => {
      const code = await state.rooms.open({ ...opened, idleMs: 60_000, emptyMs: 60_000, digits, by })
      return `rooms/${code}`
    }
    const isOpen = async (room: string) => {
      const joined = await state.peers.join({ room, id: 'looks', sink: new Inbox(), replace: true, requireOpen: true })
      if (joined.outcome === 'joined') await state.peers.leave(joined.member)
      return joined.outcome === 'joined'
    }
    const others = await open('others')
    await state.peers.leave(await enter({ room: others, id: 'b', requireOpen: true }))
    const used = await open('a')
    await enter({ room: used, id: 'b', requireOpen: true })
    let place: Member | undefined
    const rooms: string[] = []
    for (let room = 0; room < 34; room++) {
      rooms.push(await open('a'))
      place = await enter({ room: rooms.at(-1) as string, id: 'a', sink, requireOpen: true, leaving: place })
    }
    t.equal(await isOpen(rooms[0] as string), false, 'of 33 left empty')
    t.equal(await isOpen(rooms[1] as string), true)
    t.same([await isOpen(others), await isOpen(used)], [true, true], 'what is another’s stays, and what is used')
    // Of those that are left empty now this was left first: who comes back to it has it.
    await enter({ room: rooms[2] as string, id: 'a', sink, requireOpen: true, leaving: place })
    t.equal(await isOpen(rooms[2] as string), true)
    t.match(await state.peers.list(rooms[2] as string), [{ id: 'a' }])

    const few = [await open('c', 1), await open('c', 1), await open('c', 1)]
    for (const room of few) await state.peers.leave(await enter({ room, id: 'c', requireOpen: true }))
    t.same([await isOpen(few[0] as string), await isOpen(few[1] as string)], [false, false], 'and one where there are few codes')
    t.equal(await isOpen(few[2] as string), true)
  })

  scenario('a room that is not used expires and its members are closed with 4001', async (t, { state, pass, enter }) => {
    const sink = new Inbox()
    const heard: string[] = []
    state.peers.watch('rooms', { left: (room, { id }) => heard.push(`${room} ${id}`) })
    const room = `rooms/${await state.rooms.open(opened)}`
    const member = await enter({ room, id: 'a', sink, requireOpen: true })
    await pass(opened.idleMs - leeway)
    t.same(sink.closes, [])
    await pass(2 * leeway)
    t.equal(await sink.closedWith(), closeCodes.roomExpired)
    t.same(sink.closes, [], 'once')
    t.same(await state.peers.list(room), [])
    t.same(await state.peers.join({ room, id: 'a', sink, replace: false, requireOpen: true }), { outcome: 'missing' })
    t.equal(await state.peers.leave(member), false)
    t.same(heard, [`${room} a`])
    await pass(opened.emptyMs + leeway)
    t.same(state.size(), nothing)
  })

  for (const [what, use] of [
    ['a join', async ({ state }: StateUnderTest, room: string) => {
      return await state.peers.join({ room, id: 'b', sink: new Inbox(), replace: false, requireOpen: true })
    }],
    ['a broadcast', async ({ state }: StateUnderTest, room: string) => await state.relay.broadcast(room, 'signal')],
    ['a broadcast that reaches nobody', async ({ state }: StateUnderTest, room: string) => await state.relay.broadcast(room, 'signal', 'a')]
  ] as const) {
    scenario(`${what} keeps a room`, async (t, { state, pass, enter }) => {
      const sink = new Inbox()
      const room = `rooms/${await state.rooms.open(opened)}`
      await enter({ room, id: 'a', sink, requireOpen: true })
      await pass(opened.idleMs / 2)
      await use({ state, pass }, room)
      await pass(opened.idleMs - leeway)
      t.same(sink.closes, [])
      await pass(2 * leeway)
      t.equal(await sink.closedWith(), closeCodes.roomExpired)
    })
  }

  scenario('a join that fails does not keep a room', async (t, { state, pass, enter }) => {
    const sink = new Inbox()
    const room = `rooms/${await state.rooms.open(opened)}`
    await enter({ room, id: 'a', sink, requireOpen: true })
    await pass(opened.idleMs / 2)
    const join = { room, id: 'b', sink: new Inbox(), replace: false, requireOpen: true, maxMembers: 1 }
    t.same(await state.peers.join(join), { outcome: 'full' })
    await pass(opened.idleMs / 2 + leeway)
    t.equal(await sink.closedWith(), closeCodes.roomExpired)
  })

  scenario('an empty room goes after its time, and until then the last member can come back', async (t, { state, pass, enter }) => {
    const sink = new Inbox()
    const room = `rooms/${await state.rooms.open({ ...opened, idleMs: 60_000 })}`
    const first = await enter({ room, id: 'a', sink, requireOpen: true })
    await state.peers.leave(first)
    await pass(opened.emptyMs - leeway)
    const second = await enter({ room, id: 'a', sink, requireOpen: true })
    await pass(opened.emptyMs + leeway)
    t.same(ids(await state.peers.list(room)), ['a'], 'a room with a member stays')
    await state.peers.leave(second)
    await pass(opened.emptyMs + leeway)
    t.same(await state.peers.join({ room, id: 'a', sink, replace: false, requireOpen: true }), { outcome: 'missing' })
    t.same(state.size(), nothing)
  })

  scenario('joining its own opened room again keeps the last member and the room', async (t, { state, pass, enter }) => {
    const sink = new Inbox()
    const room = `rooms/${await state.rooms.open({ ...opened, idleMs: 60_000 })}`
    const first = await enter({ room, id: 'a', sink, requireOpen: true })
    await enter({ room, id: 'b', sink, requireOpen: true, leaving: first, maxMembers: 1 })
    await pass(opened.emptyMs + leeway)
    t.same(ids(await state.peers.list(room)), ['b'])
  })

  scenario('a room without a lifetime of its own ends with its last member', async (t, { state, enter }) => {
    const member = await enter({ id: 'a' })
    t.match(state.size(), { peers: 1, rooms: 1 })
    await state.peers.leave(member)
    t.same(state.size(), nothing)
  })

  scenario('send reaches its peer, finds nobody, or finds a socket that is going', async (t, { state, enter }) => {
    const sink = new Inbox()
    await enter({ id: 'a', sink })
    t.equal(await state.relay.send('tom', 'a', 'text'), 'sent')
    t.equal(await state.relay.send('tom', 'a', Buffer.from('bytes')), 'sent')
    t.same(await sink.got(2), ['text', 'bytes'])
    t.equal(await state.relay.send('tom', 'b', 'text'), 'absent')
    t.equal(await state.relay.send('tom', '__proto__', 'text'), 'absent')
    t.equal(await state.relay.send('drone', 'a', 'text'), 'absent')
    sink.takes = false
    t.equal(await state.relay.send('tom', 'a', 'text'), 'failed')
  })

  scenario('what one sends to another arrives in the order sent', async (t, { state, enter }) => {
    const sink = new Inbox()
    await enter({ id: 'a', sink })
    const frames = Array.from({ length: 500 }, (_, at) => String(at))
    await Promise.all(frames.map((frame) => state.relay.send('tom', 'a', frame)))
    t.same(await sink.got(500), frames)
  })

  scenario('a broadcast reaches all but one and says how many', async (t, { state, enter }) => {
    const [a, b, c] = [new Inbox(), new Inbox(), new Inbox()]
    await enter({ id: 'a', sink: a })
    await enter({ id: 'b', sink: b })
    await enter({ room: 'drone', id: 'c', sink: c })
    t.equal(await state.relay.broadcast('tom', 'to others', 'a'), 1)
    t.equal(await state.relay.broadcast('tom', Buffer.from('to all')), 2)
    t.equal(await state.relay.broadcast('nowhere', 'to nobody'), 0)
    state.relay.broadcastHere('tom', () => 'here', 'b')
    await state.relay.send('tom', 'b', 'last')
    t.same(await a.got(2), ['to all', 'here'])
    t.same(await b.got(3), ['to others', 'to all', 'last'])
    t.same(c.frames, [])
  })

  /** Signals of `a`, who is alone in a room. */
  async function alone (enter: (join: Partial<JoinRequest> & { id: string }) => Promise<Member>, { relay }: State) {
    const inbox = new Inbox()
    const member = await enter({ room: 'rooms/1', id: 'a', sink: inbox })
    const signal = async (frame: FrameLike, more: Partial<RoomMail> = {}) =>
      await relay.broadcastOrKeep({ room: 'rooms/1', from: 'a', frame, lost: () => 'lost', ...more })
    return { inbox, member, signal }
  }

  scenario('what one signals alone in a room waits for the first who joins, and comes in order, once', async (t, { state, enter }) => {
    const { inbox, signal } = await alone(enter, state)
    for (const frame of ['{"type":"signal","of":1}', 'two', Buffer.from('thrée')]) t.equal(await signal(frame), 'kept')
    t.match(state.size(), { mailboxes: 1, mailboxBytes: 33 })
    const [first, second] = [new Inbox(), new Inbox()]
    await enter({ room: 'rooms/1', id: 'b', sink: first, welcome: () => 'welcome' })
    t.equal(await signal('new'), 1)
    t.same(await first.got(5), ['welcome', '{"type":"signal","of":1}', 'two', 'thrée', 'new'])
    await enter({ room: 'rooms/1', id: 'c', sink: second })
    t.equal(await signal('newer'), 2)
    t.same(await second.got(1), ['newer'])
    t.same(inbox.frames, [])
    await until(() => state.size().mailboxes === 0)
  })

  scenario('what a room keeps goes with its sender', async (t, { state, enter }) => {
    const { member, signal } = await alone(enter, state)
    await signal('gone')
    await state.peers.leave(member)
    t.match(state.size(), { mailboxes: 0, mailboxBytes: 0 })
    t.equal(await signal('from outside'), 'full', 'who is not a member leaves nothing')
    const again = await enter({ room: 'rooms/1', id: 'a' })
    await signal('gone, too')
    await enter({ room: 'rooms/2', id: 'a', sink: again.sink, leaving: again })
    const inbox = new Inbox()
    await enter({ room: 'rooms/1', id: 'b', sink: inbox, welcome: () => 'welcome' })
    t.same(inbox.frames, ['welcome'])
    t.same(state.size(), { ...nothing, peers: 2, rooms: 2, largestRoom: 1 })
  })

  scenario('what a room keeps is not for its sender who joins it again, nor for who may not join', async (t, { state, enter }) => {
    const { inbox, member, signal } = await alone(enter, state)
    await signal('kept')
    await enter({ room: 'rooms/1', id: 'a', sink: inbox, leaving: member, welcome: () => 'again' })
    t.same(inbox.frames, ['again'])
    const late = new Inbox()
    t.match(await state.peers.join({ room: 'rooms/1', id: 'b', sink: late, replace: true, maxMembers: 1 }), { outcome: 'full' })
    t.equal(await signal('kept, too'), 'kept')
    await enter({ room: 'rooms/1', id: 'c', sink: late })
    t.same(await late.got(2), ['kept', 'kept, too'])
  })

  scenario('a room keeps within the bounds of a mailbox, and of what one sender may fill of it', async (t, { state, enter }) => {
    const { signal } = await alone(enter, state)
    const outcomes = []
    for (let at = 0; at < 18; at++) outcomes.push(await signal('s'))
    t.same(outcomes, [...Array<string>(16).fill('kept'), 'full', 'full'])
    const inbox = new Inbox()
    await enter({ room: 'rooms/1', id: 'b', sink: inbox })
    t.equal((await inbox.got(16)).length, 16)
    t.equal(await signal('s'), 1)
  }, { maxMessages: 64 })

  scenario('many signals at once are delivered once each, whoever joins meanwhile', async (t, { state, enter }) => {
    const { signal } = await alone(enter, state)
    const inbox = new Inbox()
    const sent: Array<Promise<unknown>> = []
    for (let at = 0; at < 200; at++) {
      if (at === 100) sent.push(enter({ room: 'rooms/1', id: 'b', sink: inbox, welcome: () => 'welcome' }))
      sent.push(signal(String(at)))
    }
    await Promise.all(sent)
    await signal('last')
    await until(() => inbox.frames.includes('last'))
    t.same(inbox.frames, ['welcome', ...Array.from({ length: 200 }, (_, at) => String(at)), 'last'])
  })

  scenario('a signal kept keeps a room open', async (t, { state, pass, enter }) => {
    const code = await state.rooms.open(opened)
    const room = `rooms/${code}`
    const sink = new Inbox()
    await enter({ room, id: 'a', sink, requireOpen: true })
    await pass(opened.idleMs - 2 * leeway)
    t.equal(await state.relay.broadcastOrKeep({ room, from: 'a', frame: 's', lost: () => 'lost' }), 'kept')
    await pass(opened.idleMs - 2 * leeway)
    t.same(sink.closes, [])
    const other = new Inbox()
    await enter({ room, id: 'b', sink: other, requireOpen: true })
    t.same(await other.got(1), ['s'])
  })

  scenario('mail for somebody who is there is sent, and fails as a send does', async (t, { state, enter }) => {
    const sink = new Inbox()
    await enter({ id: 'a', sink })
    const mail = { room: 'tom', from: 'b', to: 'a', frame: 'hello', keepMs, expired: () => 'expired' }
    t.equal(await state.relay.sendOrKeep(mail), 'sent')
    t.same(await sink.got(1), ['hello'])
    sink.takes = false
    t.equal(await state.relay.sendOrKeep(mail), 'failed')
    t.match(state.size(), { mailboxes: 0, mailboxBytes: 0 })
  })

  scenario('mail is found in order, by whoever sent it, and once', async (t, { state, enter }) => {
    const sink = new Inbox()
    const a = await enter({ room: 'peerjs/k', id: 'a' })
    await enter({ room: 'peerjs/k', id: 'b' })
    for (const [from, frame] of [['a', '1'], ['b', '2'], ['a', '3'], ['b', '4']] as const) {
      await state.relay.sendOrKeep({ room: 'peerjs/k', from, to: 'c', frame, keepMs, expired: () => 'expired' })
    }
    t.match(state.size(), { mailboxes: 1, mailboxBytes: 4 })
    await state.peers.leave(a)
    const c = await enter({ room: 'peerjs/k', id: 'c', sink })
    t.same(await sink.got(4), ['1', '2', '3', '4'], 'also when its sender has left')
    t.match(state.size(), { mailboxes: 0, mailboxBytes: 0 })
    await state.peers.leave(c)
    await enter({ room: 'peerjs/k', id: 'c', sink, welcome: () => 'welcome' })
    t.same(await sink.got(1), ['welcome'])
  })

  scenario('mail waits in the room it was sent in', async (t, { state, enter }) => {
    const [x, y] = [new Inbox(), new Inbox()]
    await state.relay.sendOrKeep({ room: 'peerjs/x', from: 'a', to: 'b', frame: 'for x', keepMs, expired: () => 'expired' })
    await enter({ room: 'peerjs/y', id: 'b', sink: y, welcome: () => 'welcome' })
    await enter({ room: 'peerjs/x', id: 'b', sink: x, welcome: () => 'welcome' })
    t.same([await x.got(2), await y.got(1)], [['welcome', 'for x'], ['welcome']])
  })

  scenario('mail expires once for each pair, when its oldest frame does', async (t, { state, pass, enter }) => {
    const [a, b] = [new Inbox(), new Inbox()]
    await enter({ room: 'peerjs/k', id: 'a', sink: a })
    await enter({ room: 'peerjs/k', id: 'b', sink: b })
    const keep = async (from: string, to: string, frame: string) =>
      await state.relay.sendOrKeep({ room: 'peerjs/k', from, to, frame, keepMs, expired: () => `expired ${from} ${to}` })
    await keep('a', 'x', '1')
    await keep('a', 'y', '2')
    await pass(keepMs / 2)
    await keep('a', 'x', '3')
    await keep('b', 'x', '4')
    await pass(keepMs / 2 - leeway)
    t.same([a.frames, b.frames], [[], []], 'not before its time')
    await pass(2 * leeway)
    t.same((await a.got(2)).sort(), ['expired a x', 'expired a y'])
    t.same(b.frames, [])
    const x = new Inbox()
    await enter({ room: 'peerjs/k', id: 'x', sink: x })
    t.same(await x.got(1), ['4'], 'what others sent stays')
    await pass(keepMs + leeway)
    t.same([a.frames, b.frames], [[], []], 'and what was found does not expire')
    t.match(state.size(), { mailboxes: 0, mailboxBytes: 0 })
  })

  scenario('mail after an expiry waits its full time', async (t, { state, pass, enter }) => {
    const a = new Inbox()
    await enter({ room: 'peerjs/k', id: 'a', sink: a })
    const mail = { room: 'peerjs/k', from: 'a', to: 'x', frame: '1', keepMs, expired: () => 'expired' }
    await state.relay.sendOrKeep(mail)
    await pass(keepMs + leeway)
    t.same(await a.got(1), ['expired'])
    await state.relay.sendOrKeep(mail)
    await pass(keepMs - leeway)
    t.same(a.frames, [])
    await pass(2 * leeway)
    t.same(await a.got(1), ['expired'])
  })

  scenario('nobody is told of an expiry when the sender has left', async (t, { state, pass, enter }) => {
    const a = new Inbox()
    const member = await enter({ room: 'peerjs/k', id: 'a', sink: a })
    await state.relay.sendOrKeep({ room: 'peerjs/k', from: 'a', to: 'x', frame: '1', keepMs, expired: () => 'expired' })
    await state.peers.leave(member)
    await pass(keepMs + leeway)
    t.same(a.frames, [])
    t.same(state.size(), nothing)
  })

  const mail = { room: 'peerjs/k', from: 'a', to: 'x', frame: '12345678', keepMs, expired: () => 'expired' }

  scenario('a mailbox holds so many frames', async (t, { state }) => {
    t.equal(await state.relay.sendOrKeep(mail), 'kept')
    t.equal(await state.relay.sendOrKeep({ ...mail, from: 'b' }), 'kept')
    t.equal(await state.relay.sendOrKeep(mail), 'full')
    t.equal(await state.relay.sendOrKeep({ ...mail, to: 'y' }), 'kept', 'each')
    t.match(state.size(), { mailboxes: 2, mailboxBytes: 24 })
  }, { maxMessages: 2 })

  scenario('a mailbox holds so many bytes', async (t, { state }) => {
    t.equal(await state.relay.sendOrKeep({ ...mail, frame: 'ä'.repeat(11) }), 'full', 'counted in UTF-8')
    t.same(state.size(), nothing)
    t.equal(await state.relay.sendOrKeep(mail), 'kept')
    t.equal(await state.relay.sendOrKeep({ ...mail, frame: Buffer.from('12345678') }), 'kept')
    t.equal(await state.relay.sendOrKeep({ ...mail, frame: '12345' }), 'full')
    t.equal(await state.relay.sendOrKeep({ ...mail, frame: '1234' }), 'kept')
    t.equal(await state.relay.sendOrKeep({ ...mail, to: 'y' }), 'kept', 'each')
  }, { maxBytes: 20 })

  /** Whether each of so many frames, or bytes, of a sender was kept. */
  const fill = async (state: State, count: number, more: object, frame = '1') => {
    const outcomes = await Promise.all(Array.from({ length: count }, async () => await state.relay.sendOrKeep({ ...mail, frame, ...more })))
    return outcomes.filter((outcome) => outcome === 'kept').length
  }

  scenario('a sender fills a quarter of a mailbox, and another one still finds room', async (t, { state, enter }) => {
    const x = new Inbox()
    t.equal(await fill(state, 30, { from: 'a' }), 20)
    t.equal(await fill(state, 1, { from: 'a', to: 'y' }), 1, 'in each mailbox')
    for (const from of ['b', 'c', 'd']) t.equal(await fill(state, 20, { from }), 20)
    t.equal(await fill(state, 1, { from: 'e' }), 0, 'four fill it')
    await enter({ room: mail.room, id: 'x', sink: x })
    t.equal((await x.got(80)).length, 80)
    t.equal(await fill(state, 1, { to: 'z' }), 1)
  }, { maxMessages: 80 })

  scenario('a sender fills a quarter of the bytes of a mailbox', async (t, { state }) => {
    const frame = '1'.repeat(16_384)
    t.equal(await fill(state, 9, { from: 'a' }, frame), 8)
    for (const from of ['b', 'c', 'd']) t.equal(await fill(state, 8, { from }, frame), 8)
    t.equal(await fill(state, 1, { from: 'e' }, frame), 0)
    t.equal(await fill(state, 1, { from: 'a', to: 'y' }, '1'.repeat(131_073)), 0, 'nor more than that at once')
  }, { maxBytes: 524_288 })

  scenario('a sender may always leave 16 frames and 64 KiB', async (t, { state }) => {
    t.equal(await fill(state, 17, { from: 'a' }), 16)
    t.equal(await fill(state, 16, { from: 'b' }), 4, 'as far as the mailbox goes')
    t.equal(await fill(state, 5, { from: 'a', to: 'y' }, '1'.repeat(16_384)), 4)
  }, { maxMessages: 20, maxBytes: 131_072 })

  scenario('all senders of one origin leave something of a mailbox to others', async (t, { state, pass }) => {
    let kept = 0
    for (let sender = 0; sender < 6; sender++) kept += await fill(state, 64, { from: `m${sender}`, origin: 'mallory' })
    t.equal(kept, 224, 'seven eighths')
    t.equal(await fill(state, 1, { from: 'm0', origin: 'mallory' }), 0)
    t.equal(await fill(state, 40, { from: 'a', origin: 'alice' }), 32)
    await pass(keepMs + leeway)
    t.equal(await fill(state, 64, { from: 'm0', origin: 'mallory' }), 64, 'what has expired does not count')
  }, { maxMessages: 256 })

  const shares = 'a sender fills an eighth of a node, all of one origin half of it, and all together no more than there is'
  scenario(shares, async (t, { state, pass, enter }) => {
    const frame = '1'.repeat(10_000)
    const leave = async (from: string, origin: string) => {
      let kept = 0
      for (let all = true; all;) {
        const outcomes = await Promise.all(Array.from({ length: 16 }, async (_, at) => {
          return await state.relay.sendOrKeep({ ...mail, from, origin, to: `${from}'s ${kept + at}`, frame })
        }))
        const taken = outcomes.filter((outcome) => outcome === 'kept').length
        all = taken === outcomes.length
        kept += taken
      }
      return kept
    }
    const totalBytes = 2_097_152
    const first = await leave('m0', 'mallory')
    t.ok(first >= 20 && first <= 26, `an eighth is ${first} frames of 10 KB`)
    t.equal(await leave('m1', 'mallory'), first)
    for (const from of ['m2', 'm3', 'm4', 'm5']) await leave(from, 'mallory')
    const { mailboxBytes } = state.size()
    t.ok(mailboxBytes <= totalBytes / 2 && mailboxBytes > totalBytes * 0.4, 'half of it')
    t.equal(await leave('a', 'alice'), first, 'whoever else comes has its share')
    for (const from of ['b', 'c', 'd', 'e', 'f']) await leave(from, from)
    t.ok(state.size().mailboxBytes <= totalBytes && state.size().mailboxBytes > totalBytes * 0.8)
    t.equal(await leave('g', 'g'), 0)
    await enter({ room: mail.room, id: "a's 0" })
    t.equal(await leave('g', 'g'), 1, 'what is found is free again')
    await pass(keepMs + leeway)
    t.match(state.size(), { mailboxes: 0, mailboxBytes: 0 })
  }, { totalBytes: 2_097_152 })

  scenario('what it takes to keep a frame counts', async (t, { state }) => {
    let to = 0
    while (await state.relay.sendOrKeep({ ...mail, to: `x${to}`, frame: '' }) === 'kept') to++
    t.ok(to > 0 && to < 64, `65536 bytes are ${to} empty frames for as many receivers`)
  }, { totalBytes: 65_536 })

  scenario('many frames at once are kept no more than one after the other', async (t, { state }) => {
    const sent = await Promise.all(Array.from({ length: 200 }, async (_, at) =>
      await state.relay.sendOrKeep({ ...mail, to: `x${at}`, frame: '1'.repeat(8192) })
    ))
    t.equal(sent.filter((sent) => sent === 'kept').length, 6)
    t.ok(state.size().mailboxBytes <= 65_536)
  }, { totalBytes: 65_536 })

  /** Signals between `a`, `b` and `c`, with what each got named by its session. */
  async function callers (enter: (join: Partial<JoinRequest> & { id: string }) => Promise<Member>, { sessions }: State) {
    const inboxes = { a: new Inbox(), b: new Inbox(), c: new Inbox() }
    const members = {
      a: await enter({ room: 'drone', id: 'a', sink: inboxes.a }),
      b: await enter({ room: 'drone', id: 'b', sink: inboxes.b }),
      c: await enter({ room: 'drone', id: 'c', sink: inboxes.c })
    }
    const signal = async (from: string, to: string, session: string | undefined, begins: boolean) =>
      await sessions.send({ room: 'drone', from, to, session, begins, idleMs: 1000, frame: (session) => `${from} ${session ?? 'none'}` })
    return {
      inboxes,
      members,
      offer: async (from: string, to: string, session: string) => await signal(from, to, session, true),
      answer: async (from: string, to: string, session?: string) => await signal(from, to, session, false)
    }
  }

  scenario('a session belongs to the two peers of its offer', async (t, { state, enter }) => {
    const { inboxes, offer, answer } = await callers(enter, state)
    t.equal(await offer('a', 'b', 's'), 'sent')
    t.equal(await answer('b', 'a', 's'), 'sent')
    t.equal(await answer('a', 'b', 's'), 'sent')
    t.equal(await answer('c', 'a', 's'), 'foreign')
    t.equal(await answer('a', 'c', 's'), 'foreign')
    t.equal(await offer('b', 'a', 's'), 'sent', 'who may begin it anew')
    t.same(await inboxes.a.got(2), ['b s', 'b s'])
    t.same(await inboxes.b.got(2), ['a s', 'a s'])
    t.same(inboxes.c.frames, [])
    t.equal(state.size().sessions, 1)
  })

  scenario('one peer may begin sessions of one name with several, and so may several pairs', async (t, { state, enter }) => {
    const { inboxes, members, offer, answer } = await callers(enter, state)
    await enter({ room: 'drone', id: 'd' })
    t.equal(await offer('a', 'b', 's'), 'sent')
    t.equal(await offer('a', 'c', 's'), 'sent', 'the sender of an offer may be in one already')
    t.equal(await answer('b', 'a', 's'), 'sent')
    t.equal(await answer('c', 'a', 's'), 'sent')
    t.same(await inboxes.a.got(2), ['b s', 'c s'])
    t.equal(await answer('c', 'b', 's'), 'foreign', 'but these two did not begin one')
    t.equal(await offer('d', 'b', 's'), 'foreign', 'and its receiver may not')
    t.equal(await offer('d', 'a', 's'), 'foreign')
    await state.peers.leave(members.b)
    t.equal(await answer('c', 'a', 's'), 'sent', 'what ends with one goes on with the other')
    await state.peers.leave(members.a)
    t.equal(await offer('d', 'c', 's'), 'sent')
    t.equal(await offer('c', 'd', 's'), 'sent')
    t.equal(state.size().sessions, 1)
  })

  scenario('a session never seen is accepted, but only an offer binds it', async (t, { state, enter }) => {
    const { answer } = await callers(enter, state)
    t.equal(await answer('a', 'b', 'unseen'), 'sent')
    t.equal(await answer('c', 'b', 'unseen'), 'sent')
    t.equal(state.size().sessions, 0)
  })

  scenario('a signal without a session gets the latest of the two', async (t, { state, enter }) => {
    const { inboxes, offer, answer } = await callers(enter, state)
    await answer('b', 'a')
    await offer('a', 'b', 's1')
    await offer('c', 'a', 's2')
    await answer('b', 'a')
    await offer('b', 'a', 's3')
    await answer('b', 'a')
    await offer('a', 'b', 's1')
    await answer('b', 'a')
    t.same(await inboxes.a.got(6), ['b none', 'c s2', 'b s1', 'b s3', 'b s3', 'b s1'])
  })

  scenario('after the latest session of the two has ended it is the one before', async (t, { state, pass, enter }) => {
    const { inboxes, offer, answer } = await callers(enter, state)
    await offer('a', 'b', 's1')
    await offer('a', 'b', 's2')
    await pass(1000 - leeway)
    await answer('a', 'b', 's1')
    await pass(2 * leeway)
    await answer('b', 'a')
    t.same(await inboxes.a.got(1), ['b s1'])
  })

  scenario('an offer that was not sent begins no session', async (t, { state, enter }) => {
    const { inboxes, offer, answer } = await callers(enter, state)
    inboxes.b.takes = false
    t.equal(await offer('a', 'b', 's'), 'failed')
    t.equal(await offer('a', 'nobody', 's'), 'absent')
    t.equal(await answer('c', 'a', 's'), 'sent')
    t.equal(state.size().sessions, 0)
  })

  scenario('the session is checked before the target is', async (t, { state, enter }) => {
    const { offer, answer } = await callers(enter, state)
    await offer('a', 'b', 's')
    t.equal(await answer('c', 'nobody', 's'), 'foreign')
  })

  scenario('a session ends when one of the two leaves', async (t, { state, enter }) => {
    const { members, offer, answer } = await callers(enter, state)
    await offer('a', 'b', 's1')
    await offer('c', 'b', 's2')
    await offer('a', 'c', 's3')
    await state.peers.leave(members.b)
    t.equal(state.size().sessions, 1)
    t.equal(await answer('c', 'a', 's1'), 'sent', 'its name is free')
    await state.peers.leave(members.a)
    await state.peers.leave(members.c)
    t.same(state.size(), nothing)
  })

  scenario('a session ends when it is not used, and traffic keeps it', async (t, { state, pass, enter }) => {
    const { offer, answer } = await callers(enter, state)
    await offer('a', 'b', 's')
    await pass(1000 - leeway)
    await answer('b', 'a', 's')
    await pass(1000 - leeway)
    await answer('a', 'b')
    await pass(1000 - leeway)
    t.equal(await answer('c', 'a', 's'), 'foreign')
    await pass(2 * leeway)
    t.equal(await answer('c', 'a', 's'), 'sent', 'what a stranger sent does not')
    t.equal(state.size().sessions, 0)
  })

  scenario('of too many sessions those of who begins them end, the longest idle first', async (t, { state, pass, enter }) => {
    const { offer, answer } = await callers(enter, state)
    for (let session = 0; session < mostBegun; session++) await offer('a', 'b', `s${session}`)
    await pass(leeway)
    await answer('b', 'a', 's0')
    await offer('a', 'b', 'one more')
    t.equal(state.size().sessions, mostBegun)
    t.equal(await answer('c', 'a', 's0'), 'foreign', 'it has been used since')
    t.equal(await answer('c', 'a', 's1'), 'sent', 'this one has not')
    t.equal(await answer('c', 'a', 's2'), 'foreign')
  })

  scenario('nobody ends a session between two others', async (t, { state, enter }) => {
    const { offer, answer } = await callers(enter, state)
    await offer('a', 'b', 'theirs')
    for (let session = 0; session < mostBegun; session++) {
      await offer('c', 'a', `to a ${session}`)
      await offer('c', 'b', `to b ${session}`)
    }
    t.equal(state.size().sessions, 1 + mostBegun)
    t.equal(await answer('c', 'b', 'theirs'), 'foreign')
    t.equal(await answer('b', 'a', 'theirs'), 'sent')
  })

  const limit = { failures: 3, windowMs: 1000 }

  scenario('attempts at once are as many as one after the other', async (t, { state: { attempts } }) => {
    const begun = await Promise.all(Array.from({ length: 20 }, async () => await attempts.begin('key', limit)))
    t.equal(begun.filter((begins) => begins).length, limit.failures + 1, 'the last of them may be the one too many')
    t.equal(await attempts.begin('other', limit), true, 'each key has its own')
    await attempts.succeed('key')
    t.equal(await attempts.begin('key', limit), true, 'what has succeeded does not count')
    t.equal(await attempts.begin('key', limit), false)
    t.same(await Promise.all(Array.from({ length: limit.failures }, async () => await attempts.fail('key', limit))), [false, false, false])
    t.equal(await attempts.fail('key', limit), true)
    t.equal(await attempts.begin('key', limit), false)
  })

  scenario('attempts that succeed do not count', async (t, { state: { attempts } }) => {
    for (let at = 0; at < 10; at++) {
      t.equal(await attempts.begin('key', limit), true)
      await attempts.succeed('key')
    }
  })

  scenario('failures count in the window that began with the first attempt', async (t, { state, pass }) => {
    const { attempts } = state
    const fail = async () => await attempts.begin('key', limit) && !await attempts.fail('key', limit)
    t.same([await fail(), await fail()], [true, true])
    await pass(limit.windowMs - leeway)
    t.equal(await fail(), true)
    t.equal(await attempts.begin('key', limit), true)
    await pass(2 * leeway)
    t.equal(await attempts.fail('key', limit), false, 'one that ends in the next window counts in that')
    t.same([await fail(), await fail()], [true, true])
    t.equal(await attempts.begin('key', limit), true)
    await attempts.succeed('key')
    await pass(limit.windowMs + leeway)
    t.same(state.size(), nothing)
  })

  scenario('a key is barred for its time from the failure that was one too many', async (t, { state, pass }) => {
    const { attempts } = state
    const fail = async () => await attempts.begin('key', limit) && !await attempts.fail('key', limit)
    for (let at = 0; at < limit.failures; at++) t.equal(await fail(), true)
    await pass(limit.windowMs / 2)
    t.equal(await fail(), false)
    await pass(limit.windowMs - leeway)
    t.equal(await attempts.begin('key', limit), false)
    await pass(2 * leeway)
    t.equal(await fail(), true, 'and counting begins anew')
    await pass(limit.windowMs + leeway)
    t.same(state.size(), nothing)
  })

  scenario('as many may fail as are held, if that is more', async (t, { state: { attempts } }) => {
    const fail = async () => await attempts.begin('key', limit) && !await attempts.fail('key', limit)
    for (let held = 0; held < 6; held++) await attempts.hold('key', 1)
    await attempts.hold('key', -1)
    for (let at = 0; at < 5; at++) t.equal(await fail(), true)
    t.equal(await fail(), false)
  })

  scenario('size is all zero when everybody has left and everything has expired', async (t, { state, pass, enter }) => {
    t.same(state.size(), nothing)
    const { members, offer } = await callers(enter, state)
    await offer('a', 'b', 's')
    const code = await state.rooms.open(opened) as string
    const inRoom = await enter({ room: `rooms/${code}`, id: 'a', requireOpen: true })
    await state.relay.sendOrKeep(mail)
    await state.attempts.begin('key', limit)
    await state.attempts.fail('key', limit)
    t.same(state.size(), { peers: 4, rooms: 2, largestRoom: 3, mailboxes: 1, mailboxBytes: 8, sessions: 1, attempts: 1 })
    for (const member of [...Object.values(members), inRoom]) await state.peers.leave(member)
    await pass(opened.idleMs + leeway)
    t.same(state.size(), nothing)
  })
}
