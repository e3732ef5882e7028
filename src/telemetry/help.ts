const errors = 'docs/errors.md#in-the-log'
const start = 'docs/errors.md#at-the-start'
const tracing = 'docs/tracing.md#when-the-collector-is-down'

/** Messages of the log that a page says more about. One that ends in `…` stands for all that begin like it. */
export const helpPages: Readonly<Record<string, string>> = {
  'no JWT key is set: this server is open to everybody': 'docs/auth.md',
  'JWKS_URL is http: anybody between this server and the key server can let clients in': 'docs/auth.md',
  'no keys from JWKS_URL: tokens signed with unknown keys are refused':
    'docs/troubleshooting.md#clients-without-a-token-get-in-or-those-with-one-do-not',
  'a forwarding header came from an address that TRUST_PROXY does not name…': 'docs/troubleshooting.md#everybody-is-one-address',
  'a connection from an address that TRUST_PROXY names was closed…': 'docs/deploy.md#balancers-of-tcp',
  'all clients on the Unix socket of HOST count as one address…': 'docs/troubleshooting.md#everybody-is-one-address',
  'redis is down': 'docs/scaling.md#what-fails-and-how',
  'redis may delete peers, rooms and mail when it is full…': 'docs/troubleshooting.md#redis-is-full-or-peers-vanish',
  'this process is a worker beside others…': 'docs/troubleshooting.md#it-works-on-one-node-only',
  'lease lost': 'docs/scaling.md#what-fails-and-how',
  'node reaped': 'docs/scaling.md#what-fails-and-how',
  'tracing: …': tracing,
  'spans are lost': tracing,
  'PORT: …': start,
  'HOST: …': start,
  'TURN_SECRET has fewer than …': errors,
  'METRICS_TOKEN has fewer than …': errors,
  'MAX_CLIENTS is …': errors,
  'AUDIT_LOG: every user of this machine can read or write the file': errors,
  'the audit trail cannot be written': errors,
  'the pages are not built: `npm run build` does it': errors,
  'changed TLS files cannot be used: the certificates loaded before stay': errors,
  'connections cannot be accepted': errors,
  'the other nodes need longer than DRAIN_MS for the clients': errors,
  'frames dropped: their receivers had gone': errors,
  'messages from Redis skipped: not understood': errors,
  'redis refused commands': errors,
  'the clock of this node differs from that of Redis: synchronize both': errors,
  'handler failed': errors,
  'request failed': errors,
  'timer failed': errors,
  'leaving failed': errors,
  'shutdown failed': errors,
  'a listener of events failed': errors,
  'uncaught error: the process ends': errors,
  'uncaught error: the process ends now': errors
}

const beginnings = Object.entries(helpPages).filter(([message]) => message.endsWith('…'))
  .map(([message, page]) => [message.slice(0, -1), page] as const)

/** The page that says more about a message of the log. */
export function helpFor (message: string): string | undefined {
  return Object.hasOwn(helpPages, message) ? helpPages[message] : beginnings.find(([beginning]) => message.startsWith(beginning))?.[1]
}

/** What is given to the log, with the page as `help`, if there is one. */
export function withHelp (given: readonly unknown[]): readonly unknown[] {
  const [first, second] = given
  const [bindings, message, rest] = typeof first === 'string' ? [{}, first, given.slice(1)] : [first, second, given.slice(2)]
  if (typeof message !== 'string' || typeof bindings !== 'object' || bindings instanceof Error) return given
  const help = helpFor(message)
  return help === undefined ? given : [{ ...bindings, help }, message, ...rest]
}
