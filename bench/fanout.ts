import { setTimeout as delay } from 'node:timers/promises'
import type { Bench, Case } from './bench.js'
import { frameOf } from './client.js'
import { begin, each } from './measure.js'
import { sdpOf } from './pairs.js'
import { bare, dialects, type Group, join, type Protocol } from './protocols.js'
import { quiet, type Server, startOther, startSignalbox } from './servers.js'

const payloadBytes = 1500
const figure = 'CPU, µs/delivery'

/** One frame to many receivers; the next one when all have it. */
export const fanout: Bench = {
  name: 'fanout',
  title: 'Fan-out: a heartbeat to 500 tom nodes, a signal to a room of 50',
  figure,
  async prepare ({ keep, warmUpMs, measureMs }) {
    const heartbeat = { type: 'heartbeat' }
    const signal = { type: 'signal', payload: sdpOf(payloadBytes) }
    const add = async (
      name: string,
      starting: Promise<Server>,
      load: Omit<Load, 'server' | 'warmUpMs' | 'measureMs'>,
      compared: Pick<Case, 'baseline' | 'goal'> = {}
    ): Promise<Case> => {
      const server = await keep(starting)
      return { name, ...compared, measure: async () => await broadcast({ ...load, server, warmUpMs, measureMs }) }
    }
    const loop = { heartbeat: '`ws.send` in a loop, 500', signal: '`ws.send` in a loop, 50' }
    const goal = 0.7
    return {
      setting: { payloadBytes, warmUpMs, measureMs },
      cases: [
        await add(loop.heartbeat, startOther('broadcast'), { protocol: bare, members: 500, frame: heartbeat }),
        await add(
          'Signalbox, tom, 500',
          startSignalbox(),
          { protocol: dialects.tom, members: 500, frame: heartbeat },
          { baseline: loop.heartbeat, goal }
        ),
        await add(loop.signal, startOther('broadcast'), { protocol: bare, members: 50, frame: signal }),
        await add(
          'Signalbox, rooms, 50',
          startSignalbox(),
          { protocol: dialects.rooms, members: 50, frame: signal },
          { baseline: loop.signal, goal }
        )
      ]
    }
  }
}

interface Load {
  readonly server: Server
  readonly protocol: Protocol
  /** How many clients: one sends, the others receive. */
  readonly members: number
  readonly frame: object
  readonly warmUpMs: number
  readonly measureMs: number
}

async function broadcast ({ server, protocol, members, frame, warmUpMs, measureMs }: Load): Promise<Record<string, number>> {
  const group: Group = { name: 'all' }
  // The first client opens the room.
  const sender = await join(server.url, protocol, 'client0', group)
  const receivers = await each(members - 1, 100, async (at) => await join(server.url, protocol, `client${at + 1}`, group))
  // By then the last arrivals have been announced, and the last measurement's clients have left.
  await quiet(server)

  const bytes = frameOf(JSON.stringify(frame))
  let deliveries = 0
  let awaited = receivers.length
  let failure: Error | undefined
  for (const client of [sender, ...receivers]) client.onEnd = (error) => { failure ??= error }
  for (const receiver of receivers) {
    receiver.count(0, (frames) => {
      deliveries += frames
      if (deliveries < awaited) return
      awaited += receivers.length
      sender.write(bytes)
    })
  }
  sender.write(bytes)
  await delay(warmUpMs)
  const before = deliveries
  const end = begin(server)
  await delay(measureMs)
  const { cpu, seconds, shares } = end()
  const measured = deliveries - before
  for (const client of [sender, ...receivers]) client.destroy()
  if (failure !== undefined) throw failure
  if (measured === 0) throw new Error('nothing was delivered')
  return { [figure]: cpu * 1e6 / measured, 'deliveries/s': measured / seconds, ...shares }
}
