import type { X509Certificate } from 'node:crypto'
import { TLSSocket } from 'node:tls'
import { Value } from '@sinclair/typebox/value'
import type { Identity } from './permit.js'
import { IdSchema } from '../frame/ids.js'

/** One entry of a `subjectAltName` as Node prints it. Unusual values are quoted as in JSON, so that no value can look like an entry. */
const altName = /(?:^|, )([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)/g
const nameTypes: readonly string[] = ['DNS', 'URI', 'email']

/**
 * The identity in the certificate of the client at the other end of a socket. Undefined without a verified certificate, and for one
 * without exactly one name. Headers set by a proxy that ends TLS are ignored.
 */
export function identityOf (socket: unknown): Identity | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined
  const certificate = socket.getPeerX509Certificate()
  const subject = certificate === undefined ? undefined : subjectOf(certificate)
  const expiresAt = Date.parse(certificate?.validTo ?? '')
  return subject === undefined || Number.isNaN(expiresAt) ? undefined : { subject, expiresAt }
}

/** The name in a certificate: its CN, or else the first DNS name, URI or mail address among its alternative names. */
export function subjectOf (certificate: X509Certificate): string | undefined {
  // Not the text in `subject`, which is escaped for people. The types do not say that there may be several names, or none.
  const { CN } = certificate.toLegacyObject().subject as { CN?: string | string[] } | undefined ?? {}
  const name = CN ?? firstAltName(certificate.subjectAltName ?? '')
  return Value.Check(IdSchema, name) ? name : undefined
}

function firstAltName (text: string): string | undefined {
  for (const [, type = '', value = ''] of text.matchAll(altName)) {
    if (nameTypes.includes(type)) return value.startsWith('"') ? String(JSON.parse(value)) : value
  }
}
