import type { Check, Finding } from '../check.js'
import { kindOf } from '../explain/candidates.js'
import type { Explanation } from '../explain/explanation.js'
import { explainIceError } from '../explain/ice-errors.js'
import { gather } from '../ice.js'
import { configuredServers } from './ice-servers.js'
import { worst } from './worst.js'

const none: Finding = { mark: 'skip', summary: 'Not tested: `STUN_URLS` lists no server. A TURN server does its work too.' }

const silent: Explanation = {
  what: 'it tells this browser no address.',
  change: ['See that the server runs, and open its UDP port in its firewall.']
}

export const stun: Check = {
  name: 'stun',
  title: 'STUN',
  about: 'Whether each STUN server tells this browser its public address.',
  async run (facts) {
    const servers = await configuredServers(facts, (url) => /^stuns?:/i.test(url), none)
    if (!Array.isArray(servers)) return servers
    return worst(await Promise.all(servers.map(async (server) => await ask(server, facts.options.ended))))
  }
}

async function ask (server: RTCIceServer & { urls: string }, ended: AbortSignal): Promise<Finding> {
  const { candidates, errors: [error], isComplete } = await gather([server], { ended, isEnough: ({ type }) => type === 'srflx' })
  const name = `\`${server.urls}\``
  if (candidates.some(({ type }) => type === 'srflx')) return { mark: 'pass', summary: `${name} answers.` }
  // A browser that does not hide its own addresses drops what STUN says if it is one of them.
  if (error === undefined && isComplete && candidates.some(({ address }) => kindOf(address) !== 'hidden')) {
    return { mark: 'pass', summary: `${name} answers: it sees this browser at one of its own addresses, without a NAT between them.` }
  }
  // Some browsers go on asking for longer than people wait.
  const failure = error ?? (isComplete ? undefined : { code: 701, text: '', url: server.urls })
  const { what, change } = failure === undefined ? silent : explainIceError(failure)
  return { mark: failure === undefined ? 'warn' : 'fail', summary: `${name}: ${what}`, change }
}
