import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

/** A certificate and its private key, in PEM. */
export interface Issued {
  readonly cert: string
  readonly key: string
}

export interface Issuing {
  /** Of several each is a part of the name. */
  cn?: string | string[]
  organisation?: string
  /** Alternative names, in order. */
  alt?: ReadonlyArray<readonly [type: keyof typeof altTags, value: string | Buffer]>
  /** From when and until when it holds, in ms from now; rounded to seconds. */
  from?: number
  to?: number
  /** What it may be used for. */
  usage?: 'client' | 'server'
}

export interface Authority extends Issued {
  issue: (issuing: Issuing) => Issued
}

const altTags = { email: 1, dns: 2, uri: 6, ip: 7 }
const usages = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' }

/** An authority of its own. Written here byte by byte, since no tool makes the odd ones, or one that ends in two seconds. */
export function authority (cn = 'Test authority'): Authority {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const self = { name: subjectOf({ cn }), key: pair.privateKey }
  return {
    cert: certificate({ issuer: self, publicKey: pair.publicKey, issuing: { cn, to: 86_400_000 }, isAuthority: true }),
    key: pemOf(pair.privateKey),
    issue (issuing) {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      return { cert: certificate({ issuer: self, publicKey, issuing }), key: pemOf(privateKey) }
    }
  }
}

/** A certificate for a server on the loopback. */
export const forLoopback: Issuing = { cn: 'localhost', alt: [['dns', 'localhost'], ['ip', Buffer.from([127, 0, 0, 1])]], usage: 'server' }

function pemOf (key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

interface Making {
  issuer: { name: Buffer, key: KeyObject }
  publicKey: KeyObject
  issuing: Issuing
  isAuthority?: boolean
}

/** @see https://www.rfc-editor.org/rfc/rfc5280#section-4.1 */
function certificate ({ issuer, publicKey, issuing, isAuthority = false }: Making): string {
  const { alt = [], from = -60_000, to = 3_600_000, usage } = issuing
  const extensions = [
    extension('2.5.29.19', sequence(...(isAuthority ? [der(0x01, Buffer.from([0xff]))] : []))),
    ...(alt.length > 0
      ? [extension('2.5.29.17', sequence(...alt.map(([type, value]) => der(0x80 | altTags[type], Buffer.from(value)))))]
      : []),
    ...(usage === undefined ? [] : [extension('2.5.29.37', sequence(oid(usages[usage])))])
  ]
  const algorithm = sequence(oid('1.2.840.10045.4.3.2'))
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1, ...crypto.getRandomValues(new Uint8Array(8))])),
    algorithm,
    issuer.name,
    sequence(time(from), time(to)),
    subjectOf(issuing),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions))
  )
  const signed = sequence(body, algorithm, der(0x03, Buffer.from([0]), sign('sha256', body, issuer.key)))
  return `-----BEGIN CERTIFICATE-----\n${(signed.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`
}

function subjectOf ({ cn = [], organisation }: Issuing): Buffer {
  const part = (id: string, value: string) => der(0x31, sequence(oid(id), der(0x0c, Buffer.from(value))))
  return sequence(
    ...(organisation === undefined ? [] : [part('2.5.4.10', organisation)]),
    ...[cn].flat().map((value) => part('2.5.4.3', value))
  )
}

const extension = (id: string, value: Buffer) => sequence(oid(id), der(0x04, value))
const time = (ms: number) => der(0x17, Buffer.from(`${new Date(Date.now() + ms).toISOString().replace(/^..|\D|\.\d+/g, '').slice(0, 12)}Z`))
const sequence = (...parts: Buffer[]) => der(0x30, ...parts)

function oid (id: string): Buffer {
  const [first = 0, second = 0, ...rest] = id.split('.').map(Number)
  const bytes = rest.flatMap((part) => {
    const digits = [part & 0x7f]
    for (let left = part >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80)
    return digits
  })
  return der(0x06, Buffer.from([first * 40 + second, ...bytes]))
}

function der (tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
