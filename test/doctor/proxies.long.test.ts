import t, { type Test } from 'tap'
import { freePort } from '../../scripts/ports.js'
import { build, type Env, urlOf } from '../helper.js'
import { start } from '../process.js'
import { withSecret } from '../auth/tokens.js'
import { examine, names } from './examine.js'
import { nginx, right } from './nginx.js'

/** Settings of a deployment behind nginx, and of the doctor. */
const env: Env = { ...withSecret, TRUST_PROXY: '127.0.0.1', ALLOWED_ORIGINS: 'https://pages.test' }
const pages = ['--origin', 'https://pages.test']

async function portOf (t: Test, settings: Env = env): Promise<string> {
  return new URL(urlOf(await build(t, settings))).port
}

const without = (text: string) => right.filter((line) => !line.includes(text))
const location = (port: string | number, lines: readonly string[]) =>
  `location /signal/ { proxy_pass http://127.0.0.1:${port}/; ${lines.join(' ')} }`

t.test('behind the proxy of docs/deploy.md, all is well', async (t) => {
  const url = await nginx(t, location(await portOf(t), right))
  const { results, of } = await examine(withSecret, `${url}/signal`, ...pages)
  t.same(results.filter(({ status }) => status === 'failure'), [])
  for (const name of ['upgrade', 'peerjs', 'rooms', 'psync', 'drone', 'tom', 'client address', 'claimed address', 'cors']) {
    t.equal(of(name)[0]?.status, 'ok', name)
  }
})

t.test('a proxy that does not pass the upgrade on is named, with the lines that it lacks', async (t) => {
  const port = await portOf(t)
  for (const lines of [without('Upgrade'), without('Connection'), without('proxy_set_header')]) {
    const report = await examine(withSecret, `${await nginx(t, location(port, lines))}/signal`, ...pages)
    names(t, report, 'upgrade', {
      says: /200 came instead of 101: .* without its Upgrade and Connection headers/,
      fix: /proxy_http_version 1\.1;\nproxy_set_header Upgrade \$http_upgrade;\nproxy_set_header Connection "upgrade";/
    })
    t.equal(report.of('signalbox')[0]?.status, 'ok')
    t.equal(report.of('tom')[0]?.status, 'skipped')
  }
})

t.test('a proxy that leaves the prefix, one that has none, and one without Signalbox behind it are named', async (t) => {
  const port = await portOf(t)
  const left = await nginx(t, location(port, right).replace(`${port}/;`, `${port};`))
  names(t, await examine(withSecret, `${left}/signal`), 'signalbox', {
    says: /the prefix \/signal reaches Signalbox/, fix: /proxy_pass .*8080\/;/
  })
  const atRoot = await nginx(t, `location ^~ /signal/ { return 404; } ${location(port, right).replace('/signal/', '/')}`)
  names(t, await examine(withSecret, `${atRoot}/signal`), 'signalbox', {
    says: /the prefix is wrong/, fix: new RegExp(`signalbox doctor ${atRoot}$`)
  })
  const elsewhere = await nginx(t, location(port, right))
  names(t, await examine(withSecret, elsewhere), 'signalbox', { says: /answers 40\d.*something else is there, or the prefix is missing/ })
  const dead = await nginx(t, location(await freePort(), right))
  names(t, await examine(withSecret, `${dead}/signal`), 'signalbox', { says: /a proxy answers 502/ })
})

t.test('TRUST_PROXY that is missing, and one that trusts everybody, are named', async (t) => {
  const { TRUST_PROXY, ...untrusting } = env
  const missing = await nginx(t, location(await portOf(t, untrusting), right))
  names(t, await examine(withSecret, `${missing}/signal`, ...pages), 'client address', {
    says: /sees this host as 127\.0\.0\.1, and it is 127\.\d+\.\d+\.\d+: that is the proxy/, fix: /^TRUST_PROXY=127\.0\.0\.1$/
  })
  const appending = [...without('X-Forwarded-For'), 'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;']
  const believing = await nginx(t, location(await portOf(t, { ...env, TRUST_PROXY: 'true' }), appending))
  names(t, await examine(withSecret, `${believing}/signal`, ...pages), 'claimed address', {
    says: /a client can claim any address/, fix: /X-Forwarded-For \$remote_addr/
  })
})

t.test('a proxy that adds a second CORS header is named', async (t) => {
  const url = await nginx(t, location(await portOf(t), [...right, 'add_header Access-Control-Allow-Origin *;']))
  names(t, await examine(withSecret, `${url}/signal`, ...pages), 'cors', {
    says: /two Access-Control-Allow-Origin headers/, fix: /proxy_hide_header Access-Control-Allow-Origin/
  })
})

t.test('nodes that do not know of each other are named', async (t) => {
  const ports = [(await start(t, env)).port, (await start(t, env)).port]
  const url = await nginx(t, location(0, right).replace('127.0.0.1:0', 'nodes'), ports)
  const report = await examine(withSecret, `${url}/signal`, ...pages)
  t.match(report.of('nodes'), [{ says: '2 processes answer' }])
  names(t, report, 'tom', { says: /between 2 nodes: they do not know of each other/, fix: /^REDIS_URL=/ })
})

t.test('a proxy that cuts silent sockets is named, with its time', async (t) => {
  const url = await nginx(t, location(await portOf(t), [...without('proxy_read_timeout'), 'proxy_read_timeout 10s;']))
  names(t, await examine(withSecret, `${url}/signal`, ...pages, '--idle'), 'idle', {
    says: /closed after 1\d s \(1006\)/, fix: /proxy_read_timeout 90s;/
  })
})

t.test('a socket that may be silent for 70 s is fine', async (t) => {
  const url = await nginx(t, location(await portOf(t), right))
  const { of } = await examine(withSecret, `${url}/signal`, ...pages, '--idle')
  t.match(of('idle'), [{ status: 'ok', says: /open for 70 s, with 2 pings/ }])
})
