import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { freePort } from '../../scripts/ports.js'
import { runProxy, temporary } from '../deploy/proxy-process.js'
import { build, type Env, until, urlOf } from '../helper.js'
import { run, start } from '../process.js'
import { filesFor, request } from '../tls/secure.js'
import { examine, names, type Report } from './examine.js'
import { nginx, right } from './nginx.js'

const expecting: Env = { PROXY_PROTOCOL: 'true', TRUST_PROXY: '127.0.0.1' }

/** HAProxy before a server, passing TCP on. Answers with its URL. */
async function haproxy (t: Test, to: number, { how = '', tls = '', mode = 'tcp' } = {}): Promise<string> {
  const [port, up, directory] = [await freePort(), await freePort(), temporary(t)]
  const config = join(directory, 'haproxy.cfg')
  writeFileSync(config, `
defaults
  timeout connect 1s
  timeout client 90s
  timeout server 90s
listen up
  mode http
  bind 127.0.0.1:${up}
  stats enable
  stats uri /
listen node
  mode ${mode}
  bind 127.0.0.1:${port} ${tls}
  server node 127.0.0.1:${to} ${how}
`)
  await runProxy(t, 'haproxy', ['-db', '-f', config])
  await until(async () => await fetch(urlOf(up)).then(({ status }) => status === 200, () => false))
  return urlOf(port)
}

async function portOf (t: Test, env: Env = {}): Promise<number> {
  return Number(new URL(urlOf(await build(t, env))).port)
}

const missing = {
  says: /^Signalbox expects a header of the PROXY protocol here, and the balancer sends none$/,
  fix: /^server .* send-proxy-v2/
}
const unexpected = {
  says: /^the proxy sends a header of the PROXY protocol, and Signalbox does not expect it$/,
  fix: /^PROXY_PROTOCOL=true/
}

for (const how of ['send-proxy', 'send-proxy-v2']) {
  t.test(`${how} where Signalbox does not expect it is named`, async (t) => {
    const off = await portOf(t)
    names(t, await examine({}, await haproxy(t, off, { how })), 'signalbox', unexpected)
    names(t, await examine({}, await haproxy(t, off, { how, mode: 'http' })), 'signalbox', unexpected)
    const elsewhere = await portOf(t, { ...expecting, TRUST_PROXY: '10.0.0.0/8' })
    const report = await examine({}, await haproxy(t, elsewhere, { how }))
    names(t, report, 'signalbox', { ...unexpected, fix: /^TRUST_PROXY=/ })
    t.equal((await examine({}, await haproxy(t, await portOf(t, expecting), { how }))).of('signalbox')[0]?.status, 'ok')
  })
}

t.test('a header that Signalbox expects and nobody sends is named', async (t) => {
  const port = await portOf(t, expecting)
  names(t, await examine({}, await haproxy(t, port)), 'signalbox', missing)
  names(t, await examine({}, urlOf(port)), 'signalbox', missing)
  const http = await nginx(t, `location / { proxy_pass http://127.0.0.1:${port}/; ${right.join(' ')} }`)
  names(t, await examine({}, http), 'signalbox', { says: /^a proxy answers 502/, fix: /^PROXY_PROTOCOL=false/ })
})

t.test('with TLS that a balancer passes on, both are named', async (t) => {
  const { env: { TLS_CERT, TLS_KEY }, client } = filesFor(t)
  const secure = (url: string) => url.replace('http:', 'https:')
  const off = (await start(t, { TLS_CERT, TLS_KEY })).port
  for (const how of ['send-proxy', 'send-proxy-v2']) {
    names(t, await examine({}, secure(await haproxy(t, off, { how }))), 'tls', {
      says: /closed before TLS begins: .* sends a header of the PROXY protocol, and Signalbox does not expect it$/,
      fix: /^PROXY_PROTOCOL=true/
    })
  }
  const on = (await start(t, { TLS_CERT, TLS_KEY, ...expecting })).port
  names(t, await examine({}, secure(await haproxy(t, on))), 'tls', missing)
  names(t, await examine({}, secure(urlOf(on))), 'tls', missing)
  const well = secure(await haproxy(t, on, { how: 'send-proxy-v2' }))
  await until(async () => await request(well, client()).then(({ status }) => status > 0, () => false))
  t.notMatch((await examine({}, well)).of('tls').map(({ says }) => says).join(), /PROXY/)
})

t.test('with TLS that ends at the balancer, too', async (t) => {
  const { authority, env: { TLS_CERT, TLS_KEY } } = filesFor(t)
  const [both, ca] = ['both.pem', 'ca.pem'].map((name) => join(temporary(t), name)) as [string, string]
  writeFileSync(both, [TLS_CERT, TLS_KEY].map((file) => readFileSync(file, 'utf8')).join('\n'))
  writeFileSync(ca, authority.cert)
  const tls = `ssl crt ${both}`
  for (const [port, how, fault] of [
    [await portOf(t), 'send-proxy-v2', unexpected], [await portOf(t, expecting), '', missing]
  ] as const) {
    const url = (await haproxy(t, port, { how, tls })).replace('http:', 'https:')
    const { output, exited } = run(t, { NODE_EXTRA_CA_CERTS: ca }, ['doctor', url, '--json'])
    const code = Number(await exited)
    const { results } = JSON.parse(output.stdout) as Pick<Report, 'results'>
    names(t, { code, results, of: (name) => results.filter((result) => result.name === name) }, 'signalbox', fault)
  }
})
