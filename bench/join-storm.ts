import type { Bench } from './bench.js'
import { Client, frameOf } from './client.js'
import type { Figures } from './figures.js'
import { begin, each } from './measure.js'
import { dialects } from './protocols.js'
import { type NodeServer, quiet, startOther, startSignalbox } from './servers.js'

const figure = 'CPU, s'
const timeoutMs = 600_000

/** Relative to sending every list at once, at a thousand nodes. The cost of that grows with their square. */
const goalAtThousand = 1 / 35

/** All sockets are open; then all nodes register at once. Ends when each has the complete list. */
export const joinStorm: Bench = {
  name: 'join-storm',
  title: 'Join storm: tom nodes register as fast as they can',
  figure,
  async prepare ({ keep, isSmall, rounds }) {
    const [few, many] = isSmall ? [300, 600] as const : [1000, 4000] as const
    const byHand = await keep(startOther('tom'))
    const signalbox = await keep(startSignalbox())
    const [atOnce, withFew, withMany] = [`every list at once, ${few} nodes`, `Signalbox, ${few} nodes`, `Signalbox, ${many} nodes`]
    // Warm-up.
    await storm(signalbox, few)
    await storm(byHand, few / 10)
    return {
      setting: { bytes: `${many} nodes must receive ${(leastBytes(many) / leastBytes(few)).toFixed(1)} times the bytes of ${few} nodes` },
      rounds: Math.min(rounds, 3),
      cases: [
        { name: atOnce, measure: async () => await storm(byHand, few) },
        { name: withFew, baseline: atOnce, goal: round(goalAtThousand * 1000 / few, 4), measure: async () => await storm(signalbox, few) },
        {
          name: withMany,
          baseline: withFew,
          goal: round(leastBytes(many) / leastBytes(few), 1),
          measure: async () => await storm(signalbox, many)
        }
      ]
    }
  }
}

const idOf = (at: number): string => `node${String(at).padStart(4, '0')}`

/** Size of the complete list, in bytes. All ids have the same length. */
function listBytes (nodes: number): number {
  const participant = { nodeId: idOf(0), username: idOf(0) }
  return JSON.stringify({ type: 'participants', participants: Array.from({ length: nodes }, () => participant) }).length
}

/** The fewest bytes for a storm: each node hears of those that come after it, and gets one list. */
function leastBytes (nodes: number): number {
  const presence = JSON.stringify({ type: 'presence', action: 'join', nodeId: idOf(0), username: idOf(0), publicKey: '' }).length
  return nodes * (nodes - 1) / 2 * presence + nodes * listBytes(nodes)
}

async function storm (server: NodeServer, nodes: number): Promise<Figures> {
  const complete = listBytes(nodes)
  const clients = await each(nodes, 100, async () => await Client.connect(server.url + dialects.tom.path()))
  const all = new Promise<void>((resolve, reject) => {
    let waiting = nodes
    setTimeout(() => reject(new Error(`${waiting} nodes have no complete list`)), timeoutMs).unref()
    for (const client of clients) {
      let isComplete = false
      client.onEnd = reject
      client.count(0, (_frames, largest) => {
        if (isComplete || largest < complete) return
        isComplete = true
        if (--waiting === 0) resolve()
      })
    }
  })
  const end = begin(server)
  for (const [at, client] of clients.entries()) client.write(frameOf(JSON.stringify(dialects.tom.registration(idOf(at))[0])))
  await all
  // Lists are sent while others are composed. The rest of that work counts, too.
  await quiet(server)
  const { cpu, seconds, shares } = end()
  for (const client of clients) client.destroy()
  await quiet(server)
  return { [figure]: cpu, s: seconds, 'sent, MB': clients.reduce((sum, { received }) => sum + received, 0) / 1e6, ...shares }
}

function round (value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
