import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { quantile } from './bench.js'

export interface Load {
  /** Where the senders connect, and where the receivers do. */
  from: string
  to: string
  pairs: number
  /** Bytes of a signal's payload. */
  payloadBytes: number
  /** Signals of a pair on their way at any time. */
  window: number
  /** Before it, twice: connections settle, and code gets warm. In ms. */
  warmUpMs: number
  measureMs: number
  /** Called when the measurement begins, and when it ends. */
  onEdge: () => void
}

export interface Measured {
  messages: number
  seconds: number
  /** From sending to receiving, in ms. */
  p50: number
  p99: number
}

interface Pair {
  readonly sender: WebSocket
  readonly receiver: WebSocket
  readonly frame: Buffer
  /** When those were sent that are on their way, in order: they arrive in order. */
  readonly sentAt: number[]
}

/**
 * ToM signals from one client of a pair to the other, as fast as they arrive: for each that comes in, the next goes out.
 *
 * @throws when a signal is refused or lost: then the figures would tell nothing
 */
export async function relayPairs ({ from, to, pairs: count, payloadBytes, window, warmUpMs, measureMs, onEdge }: Load): Promise<Measured> {
  const payload = 'x'.repeat(payloadBytes)
  const pairs: Pair[] = await Promise.all(Array.from({ length: count }, async (_, at) => {
    const [sender, receiver] = await Promise.all([register(from, `sender${at}`), register(to, `receiver${at}`)])
    return { sender, receiver, sentAt: [], frame: Buffer.from(JSON.stringify({ type: 'signal', from: `sender${at}`, to: `receiver${at}`, payload })) }
  }))
  // The lists of who is there have gone out by then.
  await delay(warmUpMs)

  let isMeasuring = false
  let isOver = false
  let latencies: number[] = []
  let failure: Error | undefined
  const send = ({ sender, frame, sentAt }: Pair): void => {
    sentAt.push(performance.now())
    sender.send(frame, { binary: false })
  }
  for (const pair of pairs) {
    pair.sender.on('message', (data: Buffer) => {
      if (data.includes('"type":"error"')) failure ??= new Error(`a sender got ${data.toString('utf8', 0, 200)}`)
    })
    pair.receiver.on('message', (data: Buffer) => {
      // A late list of who is there is none.
      if (data.length !== pair.frame.length || !data.includes('"type":"signal"')) return
      const latency = performance.now() - (pair.sentAt.shift() as number)
      if (isMeasuring) latencies.push(latency)
      if (!isOver) send(pair)
    })
    for (let sent = 0; sent < window; sent++) send(pair)
  }
  await delay(warmUpMs)
  latencies = []
  onEdge()
  const startedAt = performance.now()
  isMeasuring = true
  await delay(measureMs)
  isMeasuring = false
  const seconds = (performance.now() - startedAt) / 1000
  onEdge()
  isOver = true

  const deadline = performance.now() + 5000
  while (pairs.some(({ sentAt }) => sentAt.length > 0) && failure === undefined) {
    if (performance.now() > deadline) failure = new Error('signals were lost')
    await delay(10)
  }
  for (const { sender, receiver } of pairs) {
    sender.removeAllListeners('message').close()
    receiver.removeAllListeners('message').close()
  }
  await Promise.all(pairs.flatMap((pair) => [pair.sender, pair.receiver]).map(async (socket) => { if (socket.readyState !== WebSocket.CLOSED) await once(socket, 'close') }))
  if (failure !== undefined) throw failure
  const sorted = Float64Array.from(latencies).sort()
  return { messages: latencies.length, seconds, p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) }
}

async function register (url: string, id: string): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/tom`, { perMessageDeflate: false })
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'register', nodeId: id, username: id }))
  await once(socket, 'message')
  return socket
}
