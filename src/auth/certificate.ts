import type { X509Certificate } from 'node:crypto'
import { TLSSocket } from 'node:tls'
import { Value } from '@sinclair/typebox/value'
import type { Identity } from './permit.js'
import { IdSchema } from '../frame/ids.js'

/** One entry of a `subjectAltName`, as Node writes it: what is not plain is quoted as in JSON, so that no value can look like an entry. */
const altName = /(?:^|, )([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)/g
const named: readonly string[] = ['DNS', 'URI', 'email']

/**
 * Who the client at the other end of a socket is by its certificate. Undefined when it has none that was verified, or one
 * that does not name exactly one: whoever ends TLS before us, nothing that a client sends in a header counts here.
 */
export function identityOf (socket: unknown): Identity | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined
  const certificate = socket.getPeerX509Certificate()
  const subject = certificate === undefined ? undefined : nameOf(certificate)
  const expiresAt = Date.parse(certificate?.validTo ?? '')
  return subject === undefined || Number.isNaN(expiresAt) ? undefined : { subject, expiresAt }
}

/** The name that a certificate gives: its CN, or without one the first DNS name, URI or mail address of its alternative names. */
export function nameOf (certificate: X509Certificate): string | undefined {
  // Not the text in `subject`, whose escapes are made for people. Its types leave out that there may be several, or none.
  const { CN } = certificate.toLegacyObject().subject as { CN?: string | string[] } | undefined ?? {}
  const name = CN ?? firstAltName(certificate.subjectAltName ?? '')
  return Value.Check(IdSchema, name) ? name : undefined
}

function firstAltName (text: string): string | undefined {
  for (const [, type = '', value = ''] of text.matchAll(altName)) {
    if (named.includes(type)) return value.startsWith('"') ? String(JSON.parse(value)) : value
  }
}
