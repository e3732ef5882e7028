import { setTimeout as delay } from 'node:timers/promises'
import type { Bench, Case, Row } from './bench.js'
import { valuesOf } from './bench.js'
import type { Client } from './client.js'
import { type Figures, median } from './figures.js'
import { begin, each, type Span } from './measure.js'
import { dialects, join, type Protocol } from './protocols.js'
import { type NodeServer, quiet, startOther, startSignalbox } from './servers.js'

const figure = 'CPU, ms/join'
const goalMs = 1.5
const goalShare = 5

/** Clients that connect and register so many at a time. A leave is measured the same way. */
const atOnce = 64
const size = 2000

/** The mesh that one node joins every second, and how long: several lists go to all in that time. */
const meshSize = 4000
const trickleSeconds = 60

const timeoutMs = 600_000

/** Smaller frames are pings, to be answered. */
const countFrom = 16

/**
 * One group grows to its full size. A client has joined once it has a list that names it, and the measurement ends when nothing more is
 * to be sent: in tom, when every node has the complete list.
 */
export const joins: Bench = {
  name: 'joins',
  title: 'Joins: one large group, and who comes to it',
  figure,
  async prepare ({ keep, rounds }) {
    const add = async (name: string, starting: Promise<NodeServer>, protocol: Protocol, measured: Measurement): Promise<Case> => {
      const server = await keep(starting)
      // Warm-up.
      await grow(server, protocol, 200)
      return { name, measure: async () => await measured(server, protocol) }
    }
    const growing = async (server: NodeServer, protocol: Protocol) => await grow(server, protocol, size)
    const shrinking = async (server: NodeServer, protocol: Protocol) => await shrink(server, protocol, size)
    const { tom, psync, drone } = dialects
    const byHand = `every list at once, tom, ${size} nodes`
    const grown = `Signalbox, tom, ${size} nodes`
    const trickled = `Signalbox, tom, one join a second to ${meshSize} nodes`
    const cases = [
      await add(byHand, startOther('tom'), tom, growing),
      { ...await add(grown, startSignalbox(), tom, growing), baseline: byHand },
      await add(`Signalbox, psync, ${size} peers`, startSignalbox(), psync, growing),
      await add(`Signalbox, drone, ${size} clients`, startSignalbox(), drone, growing),
      await add(`Signalbox, drone, ${size} clients that leave`, startSignalbox(), drone, shrinking),
      await add(trickled, startSignalbox(), tom, trickle)
    ]
    return {
      setting: { 'at a time': atOnce, 'one a second for, s': trickleSeconds },
      rounds: Math.min(rounds, 3),
      cases,
      checks: (rows) => [
        { name: `CPU of a join to a mesh of ${size}, ms`, value: of(rows, grown, figure), atMost: goalMs },
        { name: `one join a second to a mesh of ${meshSize}, % of a core`, value: of(rows, trickled, 'server, %'), atMost: goalShare }
      ]
    }
  }
}

type Measurement = (server: NodeServer, protocol: Protocol) => Promise<Figures>

function of (rows: readonly Row[], name: string, figure: string): number {
  const row = rows.find((row) => row.name === name)
  return row === undefined ? NaN : median(valuesOf(row, figure))
}

const idOf = (at: number): string => `node${String(at).padStart(4, '0')}`

const [emptyList, participant] = [{ type: 'participants', participants: [] }, { nodeId: idOf(0), username: idOf(0) }]

/** Size of tom's list, in bytes. All ids have the same length. */
function listBytes (nodes: number): number {
  return JSON.stringify(emptyList).length + nodes * (JSON.stringify(participant).length + 1) - 1
}

/** A client that reads on, and only counts what it gets. */
interface Counted {
  readonly client: Client
  /** Resolves once a frame has so many bytes. */
  has (bytes: number): Promise<void>
}

async function enter (server: NodeServer, protocol: Protocol, at: number): Promise<Counted> {
  let largest = 0
  const welcome: Protocol['welcome'] = (frame, id) => {
    if (Array.isArray(frame.participants)) largest = listBytes(frame.participants.length)
    return protocol.welcome(frame, id)
  }
  const client = await join(server.url, { ...protocol, welcome }, idOf(at), { name: 'group' })
  client.onEnd = (error) => { throw error }
  largest = Math.max(largest, ...client.takeTexts().map((text) => text.length))
  let waiting: { bytes: number, resolve: () => void } | undefined
  client.count(countFrom, (_frames, size) => {
    largest = Math.max(largest, size)
    if (waiting !== undefined && largest >= waiting.bytes) waiting.resolve()
  })
  return {
    client,
    async has (bytes) {
      if (largest >= bytes) return
      await new Promise<void>((resolve, reject) => {
        setTimeout(() => reject(new Error('no complete list')), timeoutMs).unref()
        waiting = { bytes, resolve }
      })
    }
  }
}

/** The group is complete, and everybody has been told. */
async function settle (server: NodeServer, protocol: Protocol, members: readonly Counted[]): Promise<void> {
  if (protocol.name === 'tom') await Promise.all(members.map(async (member) => await member.has(listBytes(members.length))))
  await quiet(server)
}

async function end (server: NodeServer, members: readonly Counted[]): Promise<void> {
  for (const { client } of members) client.destroy()
  await quiet(server)
}

function figuresOf ({ cpu, seconds, shares }: Span, joins: number, members: readonly Counted[], before = 0): Figures {
  const received = members.reduce((sum, { client }) => sum + client.received, 0) - before
  return { [figure]: cpu * 1000 / joins, 'joins/s': joins / seconds, 'sent, KB/join': received / joins / 1000, ...shares }
}

async function grow (server: NodeServer, protocol: Protocol, size: number): Promise<Figures> {
  const measured = begin(server)
  const members = await each(size, atOnce, async (at) => await enter(server, protocol, at))
  await settle(server, protocol, members)
  const figures = figuresOf(measured(), size, members)
  await end(server, members)
  return figures
}

/** All leave with a close handshake. */
async function shrink (server: NodeServer, protocol: Protocol, size: number): Promise<Figures> {
  const members = await each(size, atOnce, async (at) => await enter(server, protocol, at))
  await settle(server, protocol, members)
  const before = members.reduce((sum, { client }) => sum + client.received, 0)
  const measured = begin(server)
  await each(size, atOnce, async (at) => await (members[at] as Counted).client.leave())
  await quiet(server)
  return figuresOf(measured(), size, members, before)
}

/** One joins every second, and stays. */
async function trickle (server: NodeServer, protocol: Protocol): Promise<Figures> {
  const members = await each(meshSize, meshSize / 8, async (at) => await enter(server, protocol, at))
  await settle(server, protocol, members)
  const before = members.reduce((sum, { client }) => sum + client.received, 0)
  const measured = begin(server)
  const joining: Array<Promise<Counted>> = []
  for (let at = 0; at < trickleSeconds; at++) {
    joining.push(enter(server, protocol, meshSize + at))
    await delay(1000)
  }
  const figures = figuresOf(measured(), trickleSeconds, members, before)
  await end(server, [...members, ...await Promise.all(joining)])
  return figures
}
