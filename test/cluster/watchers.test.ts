import type { FastifyInstance } from 'fastify'
import t from 'tap'
import type { Member, Peer, Sink } from '../../src/state/contract.js'
import { until } from '../helper.js'
import { nodesOn } from './nodes.js'

const rounds = 300

/** What a node's watcher and joins have come to, in order. */
interface Node {
  readonly app: FastifyInstance
  /** The members of rooms whose joins were answered, by room. */
  readonly answered: Map<string, Set<string>>
  /** For each `left`, who of this node was in the room by then. */
  readonly heard: Map<string, string[]>
}

t.test('a leave is told of after the joins that were welcomed with the member were answered, on every node', async (t) => {
  const { apps } = await nodesOn(t, 2)
  const nodes = apps.map((app): Node => {
    const node: Node = { app, answered: new Map(), heard: new Map() }
    app.state.peers.watch('race', {
      left (room, { id }) {
        if (id !== 'first') return
        t.same(app.state.peers.here(room).map(({ id }) => id).sort(), [...node.answered.get(room) ?? []].sort(), `${room} here`)
        node.heard.set(room, [...node.answered.get(room) ?? []])
      }
    })
    return node
  })
  const named: string[] = []
  const sink: Sink = { deliver: () => true, close () {}, seenAt: 0 }

  /** Joins as a handler does that awaits the answer. */
  async function join ({ app, answered }: Node, room: string, id: string): Promise<Member> {
    let others: readonly Peer[] = []
    const welcome = (all: readonly Peer[]) => {
      others = all
      return ''
    }
    const joined = await app.state.peers.join({ room, id, sink, replace: false, welcome })
    if (joined.outcome !== 'joined') throw new Error(joined.outcome)
    answered.set(room, (answered.get(room) ?? new Set()).add(id))
    if (others.some(({ id }) => id === 'first')) named.push(`${room} ${id}`)
    return joined.member
  }

  async function leave ({ app, answered }: Node, member: Member): Promise<void> {
    answered.get(member.room)?.delete(member.id)
    await app.state.peers.leave(member)
  }

  const [one, other] = nodes as [Node, Node]
  for (let round = 0; round < rounds; round++) {
    const room = `race/${round}`
    const leaving = round % 2 === 0 ? one : other
    // So that both nodes hear of the room already.
    await Promise.all([join(one, room, 'here'), join(other, room, 'there')])
    const first = await join(leaving, room, 'first')
    const racing = [join(one, room, 'a'), join(other, room, 'b')]
    // In every round a little later.
    for (let turn = 0; turn < round % 8; turn++) await null
    for (let turn = 0; turn < round % 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    await Promise.all([...racing, leave(leaving, first), join(one, room, 'c')])
  }
  await until(() => named.every((who) => {
    const [room = '', id = ''] = who.split(' ')
    return (id === 'b' ? other : one).heard.has(room)
  }))
  const missed = named.filter((who) => {
    const [room = '', id = ''] = who.split(' ')
    return (id === 'b' ? other : one).heard.get(room)?.includes(id) !== true
  })
  t.ok(named.length > rounds / 2, `${named.length} joins were welcomed with a member that left`)
  t.same(missed, [], 'each of them was in the room when its watcher heard of the leave')
})
