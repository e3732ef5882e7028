import type { DefaultDialectName } from '../src/settings.js'
import type { Bench, Case, Options } from './bench.js'
import { begin } from './measure.js'
import { relayPairs } from './pairs.js'
import { bare, dialects, peer, type Protocol } from './protocols.js'
import { type Server, startOther, startSignalbox } from './servers.js'

const payloadBytes = 1500
const pairs = 100
const figure = 'CPU, µs/message'
const parsing = '`ws`, parsing'

/** 200 clients in 100 pairs, with so many signals of each pair on their way. */
function relayWith (name: string, window: number, goalOf: (dialect: DefaultDialectName) => number): Bench {
  return {
    name,
    title: `Relay, ${window === 1 ? 'one signal' : `${window} signals`} of each pair in flight`,
    figure,
    async prepare ({ keep, node, isSmall, warmUpMs, measureMs }: Options) {
      const add = async (
        name: string,
        protocol: Protocol,
        starting: Promise<Server>,
        compared: Pick<Case, 'baseline' | 'goal'> = {}
      ): Promise<Case> => {
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
