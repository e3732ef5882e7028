import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import { ConfigError } from '../../../config/config-error.js'
import type { Config } from '../../../config/schema.js'
import { tlsOf } from '../../../listener/tls.js'
import { judgeChain, judgeDays, judgeName, namesOf, present, type Presented } from '../certificate.js'
import { type Check, failure, type Finding, ok, skipped } from '../check.js'
import type { Host } from './host.js'
import { fixFor } from './settings.js'

const group = 'TLS'

export const certificateChecks: ReadonlyArray<Check<Host>> = [
  {
    group,
    name: 'certificate',
    after: 'settings',
    run: async (host) => {
      const { settings } = host
      if (settings.TLS_CERT === undefined) return skipped('no TLS_CERT: a proxy ends TLS, or nobody does')
      try {
        tlsOf(settings)
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
        return failure(error.message, fixFor(error.message))
      }
      host.certificate = await serveOnce(settings)
      return ok('it can be served, and the key fits')
    }
  },
  { group, name: 'days', after: 'certificate', run: (host) => ofCertificate(host, (presented) => judgeDays(presented, Date.now())) },
  {
    group,
    name: 'names',
    after: 'certificate',
    // The host that clients use is known to them alone: any name will do.
    run: (host) => ofCertificate(host, (presented) => judgeName(presented, sampleName(presented) ?? 'your.host'))
  },
  { group, name: 'chain', after: 'certificate', run: (host) => ofCertificate(host, (presented) => judgeChain(presented, Date.now())) }
]

function ofCertificate ({ certificate }: Host, judge: (presented: Presented) => Finding): Finding | Finding[] {
  return certificate === undefined ? [] : judge(certificate)
}

function sampleName ({ certificate }: Presented): string | undefined {
  return namesOf(certificate)[0]?.replace('*', 'www')
}

/** Serves the certificate to ourselves: so it is judged as clients judge it. */
async function serveOnce ({ TLS_CERT = '', TLS_KEY = '' }: Config): Promise<Presented> {
  const server = createServer({ cert: readFileSync(TLS_CERT), key: readFileSync(TLS_KEY) }).listen(0, '127.0.0.1')
  server.on('tlsClientError', () => {})
  await once(server, 'listening')
  try {
    return await present({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })
  } finally {
    server.close()
  }
}
