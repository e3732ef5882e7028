/** What Redis answers when it is well: the command is wrong in itself, or the value it is about. */
const verdict = /^(ERR|WRONGTYPE|CROSSSLOT|NOSCRIPT) /
/** What a replica, a server that reads its data, or a master without its replicas answers. Redis 6 wraps it when a script met it. */
const wrongServer = /(?:^|: -)(READONLY|LOADING|MASTERDOWN|NOREPLICAS) /
/** What a script of ours answers that comes too late. */
const late = /^LATE /

/** The only message of ioredis for a cluster node that refused the connection. */
const closedMessage = 'Connection is closed.'
const noSentinel = 'All sentinels are unreachable'
/** Shorter parts of a URL are hidden only where they stand alone: they occur in words, too. */
const minHidden = 4

/** What to do about a reason. The first that fits. */
const advices: ReadonlyArray<readonly [RegExp, string]> = [
  [/^(NOAUTH|WRONGPASS)|invalid password|AUTH/, 'check the user and the password in REDIS_URL'],
  [/^NOPERM/, 'allow the user in REDIS_URL the keys, channels and commands that docs/scaling.md lists'],
  [/READONLY/, 'REDIS_URL leads to a replica: let it lead to the master, wherever that is, or to sentinels'],
  [/LOADING/, 'wait until Redis has read its data'],
  [/MASTERDOWN/, 'REDIS_URL leads to a replica that has lost its master: let it lead to the master'],
  [/NOREPLICAS/, 'start the replicas of this master, or lower its min-replicas-to-write'],
  [/^OOM/, 'raise maxmemory of Redis, or find out what fills it'],
  [/^MISCONF/, 'Redis cannot save its data: look at its log and its disk, or turn saving off, which Signalbox does not need'],
  [/^BUSY/, 'somebody’s script keeps Redis busy: SCRIPT KILL ends it'],
  [/^CLUSTERDOWN/, 'look at the cluster with redis-cli --cluster check'],
  [/^(MOVED|ASK) /, 'this is a Redis Cluster: list several of its nodes in REDIS_URL'],
  [/cluster support disabled/, 'this is no cluster: give one URL in REDIS_URL'],
  [/DB index/, 'take a database that exists, or raise databases of Redis'],
  [/unknown|Protocol error/i, 'let REDIS_URL lead to Redis 6.2 or later, 7 for a cluster, or to Valkey'],
  [
    /^no sentinel/,
    'check the sentinels, their password and the name of the master in REDIS_URL, and with rediss-sentinel:// the authority in REDIS_CA'
  ],
  [/ENOTFOUND|EAI_AGAIN/, 'check the host in REDIS_URL, and DNS'],
  [/ENOENT|EACCES/, 'check the path in REDIS_URL, and who may use that socket'],
  [/wrong version number|packet length|tlsv1 alert|handshake/i, 'check whether Redis speaks TLS there: rediss:// if so, else redis://'],
  [/certificate|CERT/, 'give the authority of its certificate as REDIS_CA, and take a host in REDIS_URL that the certificate names'],
  [/ECONNRESET|disconnected before secure/, 'check that Redis listens there, and that both sides speak TLS (rediss://) or neither'],
  [/^(ERR|WRONGTYPE)/, 'take a database that nobody else writes to'],
  [/.*/, 'check that Redis runs, the host and the port in REDIS_URL, and whether TLS is spoken there (rediss://)']
]

/** Whether Redis itself answered with the error, rather than the connection failing. */
export function isReply (error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError'
}

/** Whether an answer is about the command, or its key, and not about Redis. */
export function isVerdict (message: string): boolean {
  return verdict.test(message) && !isWrongServer(message)
}

/** Whether an answer says that another server has taken over, or will. */
export function isWrongServer (message: string): boolean {
  return wrongServer.test(message)
}

export function isLate (message: string): boolean {
  return late.test(message)
}

/**
 * The reason for an error, for the log. Other fields of the error may contain the command, and so a password. What the system says of
 * an address is its code only: the address is from `REDIS_URL`.
 */
export function reasonOf (error: unknown): string {
  const { message, code, errors, lastNodeError, syscall, reason } = error as Error & {
    code?: string
    errors?: Error[]
    lastNodeError?: Error
    syscall?: string
    reason?: string
  }
  const inner = lastNodeError ?? errors?.[0]
  if (inner !== undefined) return inner.message === closedMessage ? 'no node of the cluster can be reached' : reasonOf(inner)
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'the certificate names another host'
  if (message.startsWith(noSentinel)) return sentinelReason(message)
  if (code !== undefined && (syscall !== undefined || message === '')) return code
  // Of OpenSSL, without the place in its source.
  if (code?.startsWith('ERR_SSL') === true && reason !== undefined) return reason
  return withoutArguments(message)
}

function sentinelReason (message: string): string {
  const [, last = ''] = message.split('Last error: ')
  const code = /\bE[A-Z_]{4,}\b/.exec(last)?.[0]
  const what = code ?? withoutArguments(last)
  if (what === closedMessage) return 'no sentinel can be asked'
  return what === '' ? 'no sentinel knows the master' : `no sentinel can be asked: ${what}`
}

/** An unknown command is told with what was sent along. */
function withoutArguments (message: string): string {
  return message.split(/,? with args/, 1)[0] ?? ''
}

export function adviceOn (reason: string): string {
  return advices.find(([pattern]) => pattern.test(reason))?.[1] ?? ''
}

/** A function that leaves parts of the URLs out of a text. */
export function hiding (secrets: readonly string[]): (text: string) => string {
  const longestFirst = [...secrets].sort((one, other) => other.length - one.length)
  const patterns = longestFirst.map((secret) => {
    const literal = secret.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    return secret.length < minHidden ? `(?<![\\w-])${literal}(?![\\w-])` : literal
  })
  if (patterns.length === 0) return (text) => text
  const pattern = new RegExp(patterns.join('|'), 'g')
  return (text) => text.replace(pattern, '(hidden)')
}
