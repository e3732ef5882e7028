import type { Bench, Case } from './bench.js'
import { connecting, type Crowd } from './connect.js'
import { bare, dialects } from './protocols.js'
import { startOther, startSignalbox } from './servers.js'

const byHand = '`ws`'

/** What a server adds to the floor, one after the other. */
const floors: ReadonlyArray<readonly [name: string, env: Record<string, string>]> = [
  ['Fastify and @fastify/websocket', {}],
  ['with 6 hooks that do nothing', { HOOKS: '6' }],
  ['and @fastify/rate-limit', { HOOKS: '6', RATE: '1' }],
  ['and a log of three lines', { HOOKS: '6', RATE: '1', LOG: '1' }]
]

/** Of what a connect costs, how much is Fastify's: the least that a server of its plugins can have. */
export const connectFloor: Bench = {
  name: 'connect-floor',
  title: 'Connect and register: what Fastify and its plugins take',
  figure: 'CPU, µs/connect',
  async prepare ({ keep, isSmall }) {
    const crowd: Crowd = { clients: isSmall ? 400 : 2000, times: isSmall ? 2 : 5, atOnce: 50 }
    const cases: Case[] = [await connecting(byHand, bare, await keep(startOther('parsing')), crowd)]
    for (const [name, env] of floors) {
      cases.push(await connecting(name, bare, await keep(startOther('fastify', { env })), crowd, { baseline: byHand }))
    }
    const { psync, drone, peerjs } = dialects
    for (const protocol of [psync, drone, peerjs]) {
      cases.push(await connecting(`Signalbox, ${protocol.name}`, protocol, await keep(startSignalbox()), crowd, { baseline: byHand }))
    }
    return { setting: { clients: crowd.clients, times: crowd.times }, cases }
  }
}
