import { type Check, failure, type Finding, ok, warning } from '../check.js'
import type { Deployment } from './deployment.js'
import { handshake } from './upgrade.js'

const group = 'Browsers'

/** A page that nobody has. */
const foreign = 'https://signalbox-doctor.invalid'

export const browserChecks: ReadonlyArray<Check<Deployment>> = [
  { group, name: 'origin', after: 'upgrade', run: async (deployment) => await lookAtOrigin(deployment) },
  { group, name: 'cors', after: 'upgrade', run: async (deployment) => await lookAtCors(deployment) },
  { group, name: 'foreign pages', after: 'upgrade', run: async (deployment) => await lookAtForeignPages(deployment) }
]

async function upgradeFrom (deployment: Deployment, origin: string): Promise<number> {
  return (await deployment.ask('/', { headers: { ...handshake(), origin } })).status
}

async function lookAtOrigin (deployment: Deployment): Promise<Finding> {
  const { origin } = deployment
  const status = await upgradeFrom(deployment, origin)
  if (status === 101) return ok(`pages of ${origin} may connect`)
  return failure(`pages of ${origin} may not connect (${status})`,
    `ALLOWED_ORIGINS=${origin}    # of Signalbox; other pages: --origin https://your.site`, 'docs/troubleshooting.md#403')
}

async function lookAtCors (deployment: Deployment): Promise<Finding> {
  const { origin } = deployment
  const path = '/health'
  const { all, headers } = await deployment.ask(path, { headers: { origin } })
  const allowed = all('access-control-allow-origin')
  const said = headers['access-control-allow-origin']
  if (allowed.length > 1 || said?.includes(',') === true) {
    return failure(`two Access-Control-Allow-Origin headers: ${allowed.join(' and ')}. Browsers refuse that; the proxy adds one`,
      'proxy_hide_header Access-Control-Allow-Origin;    # nginx, or better: remove its add_header Access-Control-…')
  }
  if (said === origin || said === '*') return ok(`pages of ${origin} may read answers`)
  return failure(`pages of ${origin} may not read answers: Access-Control-Allow-Origin is ${said ?? 'missing'}`,
    `ALLOWED_ORIGINS=${origin}    # of Signalbox; and nothing in the proxy that hides or sets Access-Control-…`,
    'docs/troubleshooting.md#the-browser-says-cors')
}

async function lookAtForeignPages (deployment: Deployment): Promise<Finding> {
  if (await upgradeFrom(deployment, foreign) !== 101) return ok('are refused')
  if (deployment.isGuarded) return ok('may connect, with a token')
  return warning('anybody’s page can use this server from its visitors’ browsers', `ALLOWED_ORIGINS=${deployment.origin}`)
}
