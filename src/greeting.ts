import { networkInterfaces } from 'node:os'
import type { Info } from '../routes/info-schema.js'
import { clientCode, placeAt } from './dialect/place.js'
import { unixPathOf } from './net/unix-path.js'

export interface Greeted {
  /** `HOST`. */
  readonly host: string
  readonly port: number
  readonly secure: boolean
  readonly hasPages: boolean
  readonly info: Info
  /** Since the process began. In ms. */
  readonly startedWithinMs: number
}

/** What a person in front of a terminal needs once the server listens: where it is, and what to paste. */
export function greeting ({ host, port, secure, hasPages, info, startedWithinMs }: Greeted): string {
  const path = unixPathOf(host)
  const at = (name: string): string => `http${secure ? 's' : ''}://${name.includes(':') ? `[${name}]` : name}:${port}`
  const addresses = path === undefined ? addressesOf(host) : []
  const [local] = addresses
  const lines = [`Signalbox ${info.version} is ready after ${(startedWithinMs / 1000).toFixed(1)} s.`, '']
  if (path !== undefined) lines.push(`It listens at ${path}.`)
  for (const { kind, name } of addresses) lines.push(`${kind.padEnd(9)}${at(name)}`)
  if (local !== undefined) {
    if (hasPages) lines.push(...pagesOf(at(local.name)))
    lines.push('', ...clients(info, new URL(at(local.name))))
  }
  lines.push('', info.auth
    ? 'Clients need a token or a certificate.'
    : 'It is open to everybody who can reach it. JWT_SECRET lets in only those with a token.')
  return `\n${lines.map((line) => `  ${line}`.trimEnd()).join('\n')}\n\n`
}

interface Named {
  readonly kind: 'Local' | 'Network'
  readonly name: string
}

function addressesOf (host: string): Named[] {
  if (host !== '0.0.0.0' && host !== '::') return [{ kind: 'Local', name: host }]
  const others = Object.values(networkInterfaces()).flat()
    .filter((address) => address !== undefined && !address.internal && address.family === 'IPv4')
  return [{ kind: 'Local', name: 'localhost' }, ...others.map((other): Named => ({ kind: 'Network', name: other?.address as string }))]
}

function pagesOf (base: string): string[] {
  const pages = [['Demo', 'demo'], ['Test', 'test'], ['Console', 'console'], ['API', 'docs']]
  return pages.map(([name = '', path]) => `${name.padEnd(9)}${base}/${path}`)
}

function clients ({ dialects }: Info, base: URL): string[] {
  const width = Math.max(...dialects.map(({ title }) => title.length)) + 2
  return dialects.map((dialect) => dialect.title.padEnd(width) + clientCode(dialect, placeAt(base)))
}
