import { type Claims, refusalOf } from '../../auth/permit.js'
import { readConfig } from '../../settings.js'
import { CommandError, type Surroundings } from '../command.js'
import { listOf, takeOptions } from '../options.js'
import { describePermit, judge } from './check.js'
import { lifetimeOf } from './lifetime.js'
import { mint, signerOf } from './mint.js'

const usage = `Usage: signalbox token --sub NAME [options] [--setting value]...
       signalbox token --check TOKEN [--setting value]...

Prints a token, signed with JWT_SECRET, with the issuer and the audience of the settings.

  --sub NAME        its subject: the id that its bearer may register
  --ttl TIME        how long it is valid: 90s, 15m, 1h (the default) or 7d
  --ids LIST        further ids that may be registered
  --dialects LIST   dialects that may be used; absent: all
  --bridge LIST     dialects whose peers may be called, and may call; absent: none, and any may call
  --groups LIST     groups that may be entered; absent: all
  --rooms LIST      rooms that may be entered; absent: all
  --role LIST       discover, assign, or admin, which includes the others
  --key FILE        sign with this private key, whose public key the server has
  --kid NAME        what JWKS_URL calls that key
  --check TOKEN     say what a token allows and when it ends, or why it is refused

Lists are comma-separated. Their entries are exact or end in *.
`

const options = {
  sub: 'value',
  ttl: 'value',
  ids: 'value',
  dialects: 'value',
  bridge: 'value',
  groups: 'value',
  rooms: 'value',
  role: 'value',
  key: 'value',
  kid: 'value',
  check: 'value',
  help: 'switch'
} as const

/**
 * `signalbox token`: mints a token, or checks one. Exits with 1 for a token that is refused.
 *
 * @throws CommandError or ConfigError for arguments or settings that cannot be used
 */
export async function token (argv: readonly string[], { env, stdout }: Surroundings): Promise<number> {
  const { values, switches, positionals, settings } = takeOptions(argv, options)
  if (switches.has('help')) {
    stdout.write(usage)
    return 0
  }
  if (positionals.length > 0) throw new CommandError('token: unexpected argument (hidden, since it may be a secret); see token --help')
  const config = readConfig(env, settings)
  const now = Date.now()
  const checked = values.get('check')
  if (checked !== undefined) {
    const verdict = await judge(checked, config, now)
    stdout.write('permit' in verdict ? describePermit(verdict.permit, now) : `refused: ${verdict.refusal}\n`)
    return 'permit' in verdict ? 0 : 1
  }
  const claims = claimsOf(values, now)
  const signer = signerOf(config, values.get('key'), values.get('kid'))
  if (signer === undefined) {
    throw new CommandError('token: nothing to sign with; set JWT_SECRET as the server has it, or name a private key with --key')
  }
  stdout.write(`${await mint(claims, signer, config)}\n`)
  return 0
}

function claimsOf (values: ReadonlyMap<string, string>, now: number): Claims {
  const sub = values.get('sub')
  if (sub === undefined) throw new CommandError('token: --sub is missing, the id that the bearer may register')
  const iat = Math.floor(now / 1000)
  const lists = Object.fromEntries((['ids', 'dialects', 'bridge', 'groups', 'rooms'] as const).flatMap((name) => {
    const list = listOf(values.get(name))
    return list === undefined ? [] : [[name, list]]
  }))
  const roles = listOf(values.get('role'))
  const claims: Claims = { sub, iat, exp: iat + lifetimeOf(values.get('ttl') ?? '1h'), ...lists, ...(roles !== undefined && { roles }) }
  const refusal = refusalOf(claims, now)
  if (refusal !== undefined) throw new CommandError(`token: ${refusal}`)
  return claims
}
