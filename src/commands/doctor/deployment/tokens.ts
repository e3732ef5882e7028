import { type Check, failure, type Finding, ok, skipped, warning } from '../check.js'
import type { Deployment } from './deployment.js'

const group = 'Tokens'

/** Answers 401 without a token that is good, whatever else the token allows. */
const guarded = '/ice-servers'

export const tokenChecks: ReadonlyArray<Check<Deployment>> = [
  { group, name: 'needed', after: 'signalbox', run: async (deployment) => await areNeeded(deployment) },
  { group, name: 'accepted', after: 'needed', run: async (deployment) => await isAccepted(deployment) },
  { group, name: 'expired', after: 'accepted', run: async (deployment) => await expiredIsRefused(deployment) },
  { group, name: 'altered', after: 'accepted', run: async (deployment) => await alteredIsRefused(deployment) }
]

const isOpen = skipped('it is open to everybody')

async function areNeeded (deployment: Deployment): Promise<Finding> {
  const { status } = await deployment.ask(guarded)
  deployment.isGuarded = status === 401
  if (status === 401) return ok('without a token, nobody gets in')
  if (status !== 200) {
    return failure(`GET ${guarded} answers ${status}`,
      'location /signal/ { proxy_pass http://127.0.0.1:8080/; }    # nginx: all paths')
  }
  if (deployment.hasToken) {
    return failure('it asks nobody for a token, and here is one: the deployment has no key',
      'JWT_SECRET_FILE=/run/secrets/jwt    # among the settings of the deployment')
  }
  return warning('it is open: everybody may connect and take any id', 'JWT_SECRET=$(openssl rand -base64 32)    # see docs/auth.md')
}

async function isAccepted (deployment: Deployment): Promise<Finding> {
  if (!deployment.isGuarded) return isOpen
  if (!deployment.hasToken) {
    return warning('it asks for a token, and there is none: much cannot be looked at',
      'signalbox doctor URL --token "$(signalbox token --sub doctor --role admin)"    # where JWT_SECRET is set')
  }
  const { status } = await deployment.ask(guarded, { token: await deployment.tokenFor(deployment.name) })
  if (status === 200) return ok('a token gets in')
  if (status !== 401) return failure(`a token is answered ${status}`, 'proxy_set_header Authorization $http_authorization;    # nginx')
  return failure('the token is refused (401): it was signed with another key, has expired, or is of another issuer or audience',
    'signalbox token --check TOKEN    # on the host of the deployment, with its settings: says why', 'docs/auth.md#what-is-refused-and-how')
}

async function expiredIsRefused (deployment: Deployment): Promise<Finding> {
  if (!deployment.isGuarded) return isOpen
  const now = Math.floor(Date.now() / 1000)
  const token = await deployment.signed({ iat: now - 120, exp: now - 60 })
  if (token === undefined) return skipped('there is no key to sign one with')
  const { status } = await deployment.ask(guarded, { token })
  if (status === 401) return ok('one that has expired is refused')
  return failure('a token that expired a minute ago gets in: the clock of the deployment is behind',
    'timedatectl set-ntp true    # on its host')
}

/** A token whose signature is not that of its content must not be good for anything. */
async function alteredIsRefused (deployment: Deployment): Promise<Finding> {
  if (!deployment.isGuarded) return isOpen
  const token = await deployment.tokenFor(deployment.name)
  if (token === undefined) return skipped('there is no token')
  const [head, body, signature = ''] = token.split('.')
  const altered = `${head}.${body}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
  const { status } = await deployment.ask(guarded, { token: altered })
  if (status === 401) return ok('one with an altered signature is refused')
  return failure('a token with an altered signature gets in: something in front answers for Signalbox', 'proxy_cache off;    # nginx')
}
