import { writeFileSync } from 'node:fs'
import { get } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { readConfig } from '../../src/settings.js'
import { type Timeouts, defaultTimeouts as usual } from '../../src/listener/timeouts.js'
import { createService } from '../../src/service.js'
import { schemaController } from '../../src/testing/schema-controller.js'
import type { Env } from '../helper.js'
import { type Authority, authority, forLoopback, type Issued, type Issuing } from './certificates.js'

/** What a client takes to connect: whom it trusts, and its own certificate. */
export interface Credentials extends Partial<Issued> {
  readonly ca: string
}

/** Files that a server starts with, in a directory of the test's own. */
export interface Files {
  readonly authority: Authority
  readonly env: Env & { TLS_CERT: string, TLS_KEY: string, TLS_CA: string }
  /** What a client needs to trust the server, and to show a certificate of its authority. */
  client (issuing?: Issuing): Credentials
}

export function filesFor (t: Test): Files {
  const own = authority()
  const { cert, key } = own.issue(forLoopback)
  const directory = t.testdir()
  const write = (name: string, text: string) => {
    const path = join(directory, name)
    writeFileSync(path, text)
    return path
  }
  return {
    authority: own,
    env: { TLS_CERT: write('cert.pem', cert), TLS_KEY: write('key.pem', key), TLS_CA: write('ca.pem', own.cert) },
    client: (issuing) => ({ ca: own.cert, ...(issuing !== undefined && own.issue(issuing)) })
  }
}

export interface Secure {
  readonly app: FastifyInstance
  /** Where the main listener and the native ones are reached: `https://127.0.0.1:1234`. */
  readonly url: string
  readonly native: readonly string[]
}

/** The stock server with TLS on free ports of the loopback, closed with the test. */
export async function secure (t: Test, env: Env, timeouts: Partial<Timeouts> = {}): Promise<Secure> {
  const config = readConfig({ CONNECT_RATE: '1000000', LOG_LEVEL: 'silent', HOST: '127.0.0.1', ...env }, [])
  const app = createService(config, { timeouts: { ...usual, ...timeouts }, schemaController })
  t.teardown(async () => await app.close())
  await app.listen({ port: 0, host: '127.0.0.1' })
  const at = (port: number) => `https://127.0.0.1:${port}`
  return { app, url: at((app.server.address() as AddressInfo).port), native: app.nativePorts.map(at) }
}

/** An answer over https, whose socket ends with it. */
export async function request (
  url: string,
  credentials: Credentials & { localAddress?: string },
  headers: Record<string, string> = {}
): Promise<{ status: number, headers: NodeJS.Dict<string | string[]>, body: unknown }> {
  return await new Promise((resolve, reject) => {
    get(url, { ...credentials, headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => { text += chunk }).on('end', () => {
        const body: unknown = text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body })
      })
    }).on('error', reject)
  })
}
