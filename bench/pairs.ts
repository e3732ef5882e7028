import { setTimeout as delay } from 'node:timers/promises'
import { type Figures, quantile } from './figures.js'
import { type Client, frameOf } from './client.js'
import { type Group, join, type Protocol } from './protocols.js'

/** Who has been told nothing for so long has been told everything. A list for 200 members waits for up to 175 ms. In ms. */
const settleMs = 400

export interface Load {
  /** Where the senders connect. */
  readonly from: string
  /** Where the receivers connect. */
  readonly to: string
  readonly protocol: Protocol
  readonly pairs: number
  /** Size of a signal's payload, in bytes. */
  readonly payloadBytes: number
  /** Signals of each pair in flight at any time. */
  readonly window: number
  /** A fixed rate instead, over all pairs in turns, whether or not earlier signals have arrived. */
  readonly perSecond?: number
  /** Load before the measurement, which warms the code up. In ms. */
  readonly warmUpMs: number
  readonly measureMs: number
}

export interface Measured<Span = unknown> {
  readonly messages: number
  readonly seconds: number
  /** From sending to receiving, in ms, ascending. */
  readonly latencies: Float64Array
  /** The result of the measurement that `begin` started. */
  readonly span: Span
}

interface Pair {
  readonly sender: Client
  readonly receiver: Client
  readonly frame: Buffer
  /** When each signal in flight was sent. They arrive in order. */
  readonly sentAt: number[]
}

/** A session description whose JSON is about this many bytes long, with line ends that JSON escapes. */
export function sdpOf (bytes: number): { type: string, sdp: string } {
  const line = 'a=candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 0.0.0.0 rport 0 generation 0\r\n'
  const sdp = `v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n${line.repeat(Math.ceil(bytes / line.length))}`
  // A line end takes four bytes in JSON.
  const fits = (length: number): boolean => JSON.stringify({ type: 'offer', sdp: sdp.slice(0, length) }).length <= bytes
  let length = bytes
  while (!fits(length)) length--
  return { type: 'offer', sdp: sdp.slice(0, length) }
}

/**
 * Relays signals within pairs as fast as they arrive: each arrival sends the next one.
 *
 * @param begin called when the measurement begins; its result is called when it ends
 * @throws when a signal is refused or lost, since the figures would mean nothing
 */
export async function relayPairs<Span> (load: Load, begin: () => () => Span): Promise<Measured<Span>> {
  const { window, perSecond, warmUpMs, measureMs } = load
  let isMeasuring = false
  let isOver = false
  let latencies: number[] = []
  let failure: Error | undefined
  const pairs = await Promise.all(Array.from({ length: load.pairs }, async (_, at) => await connectPair(load, at)))
  await settle(pairs)

  const send = ({ sender, frame, sentAt }: Pair): void => {
    sentAt.push(performance.now())
    sender.write(frame)
  }
  for (const pair of pairs) {
    const { sender, receiver, sentAt } = pair
    sender.onEnd = receiver.onEnd = (error) => { failure ??= error }
    receiver.count(load.payloadBytes, (frames) => {
      if (frames > sentAt.length) failure ??= new Error('a receiver got what was not sent')
      const now = performance.now()
      for (let frame = 0; frame < frames; frame++) {
        const latency = now - (sentAt.shift() as number)
        if (isMeasuring) latencies.push(latency)
        if (!isOver && perSecond === undefined) send(pair)
      }
    })
  }
  const clock = perSecond === undefined ? undefined : steadily(perSecond, (count) => send(pairs[count % pairs.length] as Pair))
  if (clock === undefined) for (const pair of pairs) for (let sent = 0; sent < window; sent++) send(pair)
  await delay(warmUpMs)
  latencies = []
  const end = begin()
  const startedAt = performance.now()
  isMeasuring = true
  await delay(measureMs)
  isMeasuring = false
  const seconds = (performance.now() - startedAt) / 1000
  const span = end()
  isOver = true
  clearInterval(clock)

  const deadline = performance.now() + 5000
  while (pairs.some(({ sentAt }) => sentAt.length > 0) && failure === undefined) {
    const error = pairs.flatMap(({ sender }) => sender.takeTexts()).find((text) => text.toLowerCase().includes('"error"'))
    if (error !== undefined) failure = new Error(`a sender got ${error}`)
    else if (performance.now() > deadline) failure = new Error('signals were lost')
    await delay(5)
  }
  for (const { sender, receiver } of pairs) {
    sender.destroy()
    receiver.destroy()
  }
  if (failure !== undefined) throw failure
  return { messages: latencies.length, seconds, latencies: Float64Array.from(latencies).sort(), span }
}

/** Waits until the lists and announcements of the others have arrived. */
async function settle (pairs: readonly Pair[]): Promise<void> {
  const received = (): number => pairs.reduce((sum, { sender, receiver }) => sum + sender.received + receiver.received, 0)
  for (let before = -1; received() > before; await delay(settleMs)) before = received()
}

/** Calls `perSecond` times a second, as evenly as a 1 ms timer can. */
function steadily (perSecond: number, call: (count: number) => void): NodeJS.Timeout {
  const startedAt = performance.now()
  let count = 0
  return setInterval(() => { while (count < (performance.now() - startedAt) * perSecond / 1000) call(count++) }, 1)
}

async function connectPair ({ from, to, protocol, payloadBytes }: Load, at: number): Promise<Pair> {
  const ids = [`sender${at}`, `receiver${at}`] as const
  const group: Group = { name: `pair${at}`, members: ids }
  const sender = await join(from, protocol, ids[0], group)
  const receiver = await join(to, protocol, ids[1], group)
  const session = await protocol.begin?.(sender, receiver, ids[0]) ?? ids.join('-')
  // On a topic, whoever publishes gets it, too.
  sender.count(payloadBytes, () => {})
  const offer = protocol.offer(...ids, sdpOf(payloadBytes), { session, place: group.place ?? group.name })
  return { sender, receiver, sentAt: [], frame: frameOf(JSON.stringify(offer)) }
}

/** The median and the 99th percentile. */
export function latencyFigures ({ latencies }: Measured): Figures {
  return { 'p50, ms': quantile(latencies, 0.5), 'p99, ms': quantile(latencies, 0.99) }
}
