import type { Check, Finding } from '../check.js'
import { explainStatus } from '../explain/statuses.js'
import { serversWith, transportOf } from '../explain/turn-urls.js'
import type { Facts } from '../facts.js'

const turnLines = 'TURN_URLS=turn:turn.example.org:3478,turn:turn.example.org:3478?transport=tcp,turns:turn.example.org:5349\nTURN_SECRET=…'

const needsToken: Finding = { mark: 'skip', summary: 'Not tested: it needs a token.' }

export const iceServers: Check = {
  name: 'ice-servers',
  title: 'ICE servers',
  about: 'Which STUN and TURN servers `/ice-servers` gives to clients.',
  async run (facts) {
    const { status } = await facts.iceServers()
    if (status === 401 && facts.options.token === undefined) return needsToken
    const servers = await facts.servers()
    if (servers === undefined) {
      const { what, change } = explainStatus(status)
      return { mark: 'fail', summary: `\`GET /ice-servers\`: ${what}`, change }
    }
    const urls = servers.flatMap(({ urls }) => urls)
    const details = urls.map((url) => `\`${url}\``)
    if (urls.some((url) => transportOf(url) !== undefined)) {
      return { mark: 'pass', summary: 'Clients get a TURN server, and a credential that expires.', details }
    }
    return {
      mark: 'warn',
      summary: `No TURN server is configured${urls.length > 0 ? '' : ', and no STUN server'}. Peers that cannot reach each other ` +
        'directly, such as behind a company’s firewall or on many mobile networks, get no connection.',
      details,
      change: ['Run a TURN server, and set `TURN_URLS` and `TURN_SECRET` (docs/turn.md).'],
      paste: turnLines
    }
  }
}

/** The configured servers with URLs for which `wanted` is true, each as a server of its own; or why there is none to test. */
export async function configuredServers (
  facts: Facts,
  wanted: (url: string) => boolean,
  otherwise: Finding
): Promise<Array<RTCIceServer & { urls: string }> | Finding> {
  const all = await facts.servers()
  if (all === undefined) {
    const isRefused = (await facts.iceServers()).status === 401 && facts.options.token === undefined
    return isRefused ? needsToken : { mark: 'skip', summary: 'Not tested: `/ice-servers` lists no servers.' }
  }
  const servers = serversWith(all, wanted)
  return servers.length > 0 ? servers : otherwise
}
