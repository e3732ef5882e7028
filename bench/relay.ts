import type { DefaultDialectName } from '../src/settings.js'
import type { Bench, Case, Options } from './bench.js'
import { begin } from './measure.js'
import { relayPairs } from './pairs.js'
import { bare, dialects, furtherDialects, peer, type Protocol } from './protocols.js'
import { type Server, startOther, startSignalbox } from './servers.js'

const payloadBytes = 1500
const pairs = 100
const figure = 'CPU, µs/message'
const parsing = '`ws`, parsing'

type Compared = Pick<Case, 'baseline' | 'goal'>
type Add = (name: string, protocol: Protocol, starting: Promise<Server>, compared?: Compared) => Promise<Case>

/** Adds a case: pairs on one server, with so many signals of each on their way. */
function adding ({ keep, warmUpMs, measureMs }: Options, window: number): Add {
  return async (name, protocol, starting, compared = {}) => {
    const server = await keep(starting)
    const { url } = server
    return {
      name,
      ...compared,
      async measure () {
        const load = { from: url, to: url, protocol, pairs, payloadBytes, window, warmUpMs, measureMs }
        const { messages, span } = await relayPairs(load, () => begin(server))
        return { [figure]: span.cpu * 1e6 / messages, 'messages/s': messages / span.seconds, ...span.shares }
      }
    }
  }
}

/** 200 clients in 100 pairs, with so many signals of each pair on their way. */
function relayWith (name: string, window: number, goalOf: (dialect: DefaultDialectName) => number): Bench {
  return {
    name,
    title: `Relay, ${window === 1 ? 'one signal' : `${window} signals`} of each pair in flight`,
    figure,
    async prepare (options: Options) {
      const { node, isSmall, warmUpMs, measureMs } = options
      const add = adding(options, window)
      const cases = [await add(parsing, bare, startOther('parsing'))]
      // A process for each dialect: in a shared one, code would be warmer for some than for others.
      const one = isSmall ? startSignalbox() : undefined
      for (const [dialect, protocol] of Object.entries(dialects)) {
        cases.push(await add(
          `Signalbox, ${dialect}`,
          protocol,
          one ?? startSignalbox(),
          { baseline: parsing, goal: goalOf(dialect as DefaultDialectName) }
        ))
      }
      if (!isSmall) {
        cases.push(await add('npm `peer`', peer, startOther('peer'), { baseline: parsing }))
        cases.push(await add('`ws`, raw buffers', bare, startOther('raw'), { baseline: parsing }))
      }
      if (node !== undefined) {
        cases.push(await add('`ws`, parsing, the other Node', bare, startOther('parsing', { node }), { baseline: parsing }))
        cases.push(await add('Signalbox, tom, the other Node', dialects.tom, startSignalbox({ node }), { baseline: 'Signalbox, tom' }))
      }
      return { setting: { payloadBytes, pairs, window, warmUpMs, measureMs }, cases }
    }
  }
}

export const relay = relayWith('relay', 8, (dialect) => dialect === 'drone' ? 0.6 : 0.45)
export const relay1 = relayWith('relay1', 1, (dialect) => dialect === 'drone' ? 0.85 : 0.7)

const yjs = '`y-webrtc`’s server'

/** The same in the dialects that are off by default. Where clients publish on a topic, a signal goes to both of a pair. */
export const further: Bench = {
  name: 'further',
  title: 'Relay in the dialects that are off by default, 8 signals of each pair in flight',
  figure,
  async prepare (options) {
    const { warmUpMs, measureMs } = options
    const add = adding(options, 8)
    const { ayame, gst, topics } = furtherDialects
    const ours = async (DIALECTS: string) => await startSignalbox({ env: { DIALECTS } })
    const cases = [
      await add(parsing, bare, startOther('parsing')),
      await add('Signalbox, ayame', ayame, ours('ayame'), { baseline: parsing }),
      await add('Signalbox, gst', gst, ours('gst'), { baseline: parsing }),
      await add(yjs, { ...topics, path: () => '/' }, startOther('y-webrtc')),
      await add('Signalbox, topics', topics, ours('topics'), { baseline: yjs })
    ]
    return { setting: { payloadBytes, pairs, window: 8, warmUpMs, measureMs }, cases }
  }
}
