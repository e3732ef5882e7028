import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { until } from '../helper.js'
import { freePort } from '../../scripts/ports.js'
import { authority, forLoopback } from '../tls/certificates.js'
import { request } from '../tls/secure.js'
import { adapted, type Proxy, runNginx, runProxy, type Substitute, temporary } from './proxy-process.js'

/** A proxy of `docs/deploy.md` with TLS and a path prefix, and what a client needs to reach it. */
export interface TlsProxy extends Proxy {
  /** For instance `https://127.0.0.1:1234/signal`. */
  readonly url: string
  /** The authority that a client must trust. */
  readonly ca: string
}

interface Placed {
  /** The ports of the nodes, on 127.0.0.1. For nginx also the path of a Unix socket. */
  readonly nodes: ReadonlyArray<number | string>
  /** False where Signalbox is mounted under the prefix itself. */
  readonly takesPrefixAway?: boolean
}

export type StartProxy = (t: Test, placed: Placed) => Promise<TlsProxy>

/** Debian's nginx with `deploy/nginx-tls.conf`, before one node. */
export const startNginx: StartProxy = async (t, { nodes: [node], takesPrefixAway = true }) => {
  const [directory, port] = [temporary(t), await freePort()]
  const { key, certificate, ca } = certify(directory)
  writeFileSync(join(directory, 'site.conf'), adapted('nginx-tls.conf', [
    ['listen 443 ssl;', `listen 127.0.0.1:${port} ssl;`],
    ['/etc/ssl/example.com/fullchain.pem', certificate],
    ['/etc/ssl/example.com/privkey.pem', key],
    ['/var/log/nginx/error.log', 'stderr'],
    ['http://127.0.0.1:8080/;', `http://${typeof node === 'string' ? `unix:${node}:` : `127.0.0.1:${node}`}${takesPrefixAway ? '/' : ''};`]
  ]))
  const temporaries = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${directory}/${name};`)
  writeFileSync(
    join(directory, 'nginx.conf'),
    `user nobody nogroup; pid ${directory}/nginx.pid; events {} http { ${temporaries.join(' ')} include ${directory}/site.conf; }`
  )
  const proxy = await runNginx(t, directory)
  return await answering({ ...proxy, url: `https://127.0.0.1:${port}/signal`, ca })
}

/** Debian's HAProxy with `deploy/haproxy.cfg`, with a line for each node. */
export const startHaproxy: StartProxy = async (t, { nodes, takesPrefixAway = true }) => {
  const [directory, port] = [temporary(t), await freePort()]
  const { both, ca } = certify(directory)
  const prefixKept: Substitute[] = takesPrefixAway ? [] : [['http-request replace-path', '# http-request replace-path']]
  writeFileSync(join(directory, 'haproxy.cfg'), adapted('haproxy.cfg', [
    // The user of Debian's package, and more files than a test may open.
    ['  user haproxy\n  group haproxy\n', ''],
    ['maxconn 60000', 'maxconn 1000'],
    ['bind :443 ', `bind 127.0.0.1:${port} `],
    ['/etc/haproxy/example.com.pem', both],
    ['  server node1 127.0.0.1:8080\n', nodes.map((node) => `  server node${node} 127.0.0.1:${node}\n`).join('')],
    ...prefixKept
  ]))
  const proxy = await runProxy(t, 'haproxy', ['-db', '-f', join(directory, 'haproxy.cfg')])
  return await answering({ ...proxy, url: `https://127.0.0.1:${port}/signal`, ca })
}

/** Debian's Caddy with `deploy/Caddyfile`, before one node. */
export const startCaddy: StartProxy = async (t, { nodes: [node], takesPrefixAway = true }) => {
  const [directory, port] = [temporary(t), await freePort()]
  const { key, certificate, ca } = certify(directory)
  const prefixKept: Substitute[] = takesPrefixAway ? [] : [['handle_path /signal/*', 'handle /signal/*']]
  writeFileSync(join(directory, 'Caddyfile'), adapted('Caddyfile', [
    // No port but this one, and no certificate from elsewhere.
    ['\tservers {', '\tadmin off\n\tauto_https off\n\tservers {'],
    ['\nexample.com {', `\nhttps://127.0.0.1:${port} {\n\ttls ${certificate} ${key}`],
    ['127.0.0.1:8080', `127.0.0.1:${node}`],
    ...prefixKept
  ]))
  // It writes below the home directory.
  const run = ['caddy', 'run', '--adapter', 'caddyfile', '--config', join(directory, 'Caddyfile')]
  const proxy = await runProxy(t, 'env', [`HOME=${directory}`, ...run])
  return await answering({ ...proxy, url: `https://127.0.0.1:${port}/signal`, ca })
}

async function answering (proxy: TlsProxy): Promise<TlsProxy> {
  await until(async () => await ask(proxy, '/ready').then(({ status }) => status === 200, () => false))
  return proxy
}

/** A certificate for the loopback, and the authority that a client trusts for it. */
function certify (directory: string): { key: string, certificate: string, both: string, ca: string } {
  const { cert: ca, issue } = authority()
  const { key, cert } = issue(forLoopback)
  const write = (name: string, pem: string) => {
    const path = join(directory, name)
    writeFileSync(path, pem)
    return path
  }
  return { key: write('key.pem', key), certificate: write('certificate.pem', cert), both: write('both.pem', `${cert}\n${key}`), ca }
}

/** A GET through a proxy, on a connection of its own. */
export async function ask (
  { url, ca }: TlsProxy,
  path: string,
  { localAddress = '127.0.0.1', headers = {} }: { localAddress?: string, headers?: Record<string, string> } = {}
): ReturnType<typeof request> {
  return await request(url + path, { ca, localAddress }, headers)
}
