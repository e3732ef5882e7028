import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { failure, type Finding, ok, warning } from './check.js'
import { patienceMs } from './http.js'

/** A certificate that ends sooner is warned about. In days. */
const enoughDays = 14
const dayMs = 86_400_000

/** What a server has shown of itself in a TLS handshake. */
export interface Presented {
  readonly certificate: X509Certificate
  /** How many certificates came. */
  readonly length: number
  /** OpenSSL's verdict on the chain, by the authorities that this Node trusts. Undefined where it is trusted. */
  readonly problem: string | undefined
  readonly protocol: string
}

/**
 * Shakes hands and hangs up.
 *
 * @throws the error of the connection
 */
export async function present (options: ConnectionOptions): Promise<Presented> {
  const { host = '' } = options
  const name = options.servername ?? (isIP(host) === 0 ? host : '')
  return await new Promise((resolve, reject) => {
    // The name is judged by itself. The chain's problem would be hidden behind it.
    const socket: TLSSocket = connect({ ...options, servername: name, rejectUnauthorized: false, checkServerIdentity: () => undefined })
    socket.setTimeout(patienceMs, () => socket.destroy(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })))
    socket.on('error', reject).on('close', () => reject(closedEarly())).on('secureConnect', () => {
      const certificate = socket.getPeerX509Certificate()
      // A string in spite of its type.
      const problem = socket.authorizationError as unknown as string | null | undefined
      if (certificate === undefined) reject(new Error('the server has shown no certificate'))
      else resolve({ certificate, length: lengthOf(certificate), problem: problem ?? undefined, protocol: socket.getProtocol() ?? '' })
      socket.destroy()
    })
  })
}

function closedEarly (): Error {
  return Object.assign(new Error('closed before an answer'), { code: 'ECONNRESET' })
}

/** How many came: an authority that signs itself is its own issuer. */
function lengthOf (first: X509Certificate): number {
  const seen = new Set<string>()
  let certificate: X509Certificate | undefined = first
  while (certificate !== undefined && !seen.has(certificate.fingerprint256)) {
    seen.add(certificate.fingerprint256)
    certificate = certificate.issuerCertificate
  }
  return seen.size
}

const renew = 'certbot renew    # or as you got it; nginx needs `systemctl reload nginx` then, Signalbox nothing'

/** Whether a certificate is valid now, and for long enough. */
export function judgeDays ({ certificate: { validFrom, validTo } }: Presented, now: number): Finding {
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)]
  const day = (time: number): string => new Date(time).toISOString().slice(0, 10)
  if (now < from) {
    return failure(`the certificate is valid from ${day(from)} on, and by this clock it is earlier`,
      'date    # is the clock right?')
  }
  if (now >= to) return failure(`the certificate has expired on ${day(to)}`, renew)
  const days = Math.floor((to - now) / dayMs)
  if (days < enoughDays) return warning(`the certificate expires in ${days} days, on ${day(to)}`, renew)
  return ok(`${days} days left`)
}

/** Whether a certificate is for this host, as browsers see it: by its alternative names alone. */
export function judgeName ({ certificate }: Presented, host: string): Finding {
  const names = namesOf(certificate)
  if (names.length === 0) {
    return failure('the certificate has no subjectAltName, and browsers do not look at its CN', `certbot certonly -d ${host}`)
  }
  const fits = isIP(host) === 0 ? certificate.checkHost(host, { subject: 'never' }) : certificate.checkIP(host)
  if (fits !== undefined) return ok(`the certificate is for ${names.join(', ')}`)
  return failure(`the certificate is for ${names.join(', ')}, and not for ${host}`,
    `certbot certonly -d ${host}    # or use a URL with one of its names`)
}

/** The names of a certificate: host names and addresses. */
export function namesOf ({ subjectAltName = '' }: X509Certificate): string[] {
  return [...(subjectAltName ?? '').matchAll(/(?:^|, )(?:DNS|IP Address):([^,"]+)/g)].map(([, name = '']) => name)
}

/** Problems of time and name, which have findings of their own. */
const elsewhere: readonly string[] = ['CERT_NOT_YET_VALID', 'ERR_TLS_CERT_ALTNAME_INVALID']

/** Whether clients can follow a certificate up to an authority that they trust. */
export function judgeChain ({ certificate, length, problem }: Presented, now: number): Finding {
  const isOver = now >= Date.parse(certificate.validTo)
  const isElsewhere = problem === undefined || elsewhere.includes(problem) || (problem === 'CERT_HAS_EXPIRED' && isOver)
  if (isElsewhere) return ok(length === 1 ? 'one certificate, trusted' : `${length} certificates, trusted`)
  if (problem === 'CERT_HAS_EXPIRED') return failure('a certificate of the chain has expired, not the first one', renew)
  if (problem === 'DEPTH_ZERO_SELF_SIGNED_CERT') {
    return failure('the certificate has signed itself: browsers refuse it, and say so for pages only, never for WebSockets',
      'certbot certonly -d your.host    # for tests on this machine: mkcert localhost')
  }
  const issuer = /CN=(.*)/.exec(certificate.issuer)?.[1] ?? 'its issuer'
  if (problem === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' || problem.startsWith('UNABLE_TO_GET_ISSUER_CERT')) {
    const came = length === 1 ? 'one certificate comes alone' : `${length} certificates come`
    return failure(`the chain is missing: ${came}, and clients do not know “${issuer}”`,
      'cat cert.pem chain.pem > fullchain.pem    # certbot has made one: fullchain.pem\n' +
      'TLS_CERT=fullchain.pem    # or ssl_certificate fullchain.pem; in nginx; for an authority of your own: NODE_EXTRA_CA_CERTS=ca.pem')
  }
  return failure(`clients do not trust the chain (${problem})`,
    'NODE_EXTRA_CA_CERTS=ca.pem    # if its authority is your own, which clients must have, too')
}
