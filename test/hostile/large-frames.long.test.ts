import t from 'tap'
import { start } from '../process.js'
import { honestPair, prefer, rawWebSocket, textFrame } from './neighbour.js'

/** Payloads of about this many bytes that take longest to parse, to walk or to check. */
function payloadsOf (bytes: number): { [what: string]: string } {
  const filled = (piece: string, share = 1) => piece.repeat(Math.floor((bytes - 1000) * share / Buffer.byteLength(piece)))
  const longName = '\\u0041'.repeat(Math.floor(bytes / 4000 / 6) - 3)
  const longNames = Array.from({ length: 4000 }, (_, at) => `"${longName}${at}":0`)
  return {
    'an object of many members': `{${filled('"0":0,')}"1":0}`,
    'a list in a list, and so on': `${filled('[', 0.5)}${filled(']', 0.5)}`,
    'a list of many objects': `[${filled('{"a":{}},')}1]`,
    'a long text of escapes': `"${filled('\\u0041')}"`,
    'a long text of quotes': `"${filled('\\"')}"`,
    'a long text of characters beyond ASCII': `"${filled('é')}"`,
    'a long number': filled('1'),
    'long names, as many as are taken': `{${longNames.join(',')}}`
  }
}

const roundMs = 400
/** What else the machine does shows in some rounds, an attack that harms in all. */
const maxRounds = 8

for (const [attackers, bytes, risesBy] of [[1, 1_048_576, 5], [20, 262_144, 20]] as const) {
  const whose = attackers === 1 ? 'one client' : `${attackers} clients`
  const title = `frames of ${bytes / 1024} KiB of ${whose} delay a neighbour's signals by at most ${risesBy} ms`
  t.test(title, { timeout: 90_000 }, async (t) => {
    const { port, child } = await start(t)
    prefer(child.pid)
    const neighbour = await honestPair(t, port)
    const quiet = await neighbour.measure(2000)
    for (const [what, payload] of Object.entries(payloadsOf(bytes))) {
      const frame = textFrame(`{"type":"offer","target":"nobody","sdp":${payload}}`)
      const intruders = await Promise.all(Array.from(
        { length: attackers },
        async (_, at) => await rawWebSocket(t, port, '/drone', { address: `127.66.1.${at + 1}` })
      ))
      const floods = intruders.map(async (intruder) => await intruder.flood(frame, maxRounds * (roundMs + 100)))
      const p99s: number[] = []
      while (p99s.length < maxRounds && !p99s.some((p99) => p99 <= quiet.p99 + risesBy)) {
        const { sent, delivered, p99 } = await neighbour.measure(roundMs)
        t.equal(delivered, sent, `${what}: p99 ${p99.toFixed(1)} ms, quiet ${quiet.p99.toFixed(1)} ms`)
        p99s.push(p99)
      }
      t.ok(Math.min(...p99s) <= quiet.p99 + risesBy, what)
      for (const { socket } of intruders) socket.destroy()
      await Promise.all(floods)
    }
  })
}
