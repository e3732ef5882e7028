import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import t from 'tap'
import { readConfig } from '../../src/settings.js'

const page = new URL('../../docs/deploy.md', import.meta.url)
const files = new URL('../../deploy/', import.meta.url)
const read = (file: string) => readFileSync(new URL(file, files), 'utf8')
const config = readConfig({}, [])
const secondsOf = (text: string, what: RegExp) => [...text.matchAll(what)].map(([, seconds]) => Number(seconds))

t.test('the page quotes the files that the tests run, whole and word by word', async (t) => {
  const text = readFileSync(page, 'utf8')
  for (const file of ['signalbox.env', 'signalbox.service', 'nginx-tls.conf', 'haproxy.cfg', 'Caddyfile']) {
    t.ok([...text.matchAll(/^```\w+\n([^]*?)^```$/gm)].some(([, quoted]) => quoted === read(file)), file)
  }
})

t.test('a socket may be silent at each proxy for longer than Signalbox lets it', async (t) => {
  const silence = [
    ...secondsOf(read('nginx-tls.conf'), /proxy_(?:read|send)_timeout (\d+)s;/g),
    ...secondsOf(read('haproxy.cfg'), /timeout (?:client|server|tunnel) (\d+)s$/gm)
  ]
  t.equal(silence.length, 5)
  for (const seconds of silence) t.ok(seconds * 1000 > 2 * config.HEARTBEAT_INTERVAL)
})

t.test('they take as much as Signalbox does', async (t) => {
  t.match(read('nginx-tls.conf'), `client_max_body_size ${config.MAX_PAYLOAD / 1024}k;`)
  t.ok(Number(/maxconn (\d+)/.exec(read('haproxy.cfg'))?.[1]) > config.MAX_CLIENTS)
})

t.test('Signalbox takes the settings, listens where the proxies look for it, and trusts nobody else', async (t) => {
  const { HOST, PORT, TRUST_PROXY, JWT_PUBLIC_KEY, ALLOWED_ORIGINS } = readConfig(parseEnv(read('signalbox.env')), [])
  for (const file of ['nginx-tls.conf', 'haproxy.cfg', 'Caddyfile']) t.match(read(file), `${HOST}:${PORT}`)
  t.equal(TRUST_PROXY, HOST)
  t.ok(JWT_PUBLIC_KEY)
  t.notMatch(ALLOWED_ORIGINS, ['*'])
})

t.test('systemd and Docker run the built server, with a descriptor for each client, and let it drain', async (t) => {
  const unit = read('signalbox.service')
  for (const line of ['NoNewPrivileges=true', 'CapabilityBoundingSet=', 'UMask=0077', 'DynamicUser=true']) {
    t.ok(unit.split('\n').includes(line), line)
  }
  t.match(unit, /^MemoryMax=\dG$/m)
  const docker = /^docker run [^]*?^```/m.exec(readFileSync(page, 'utf8'))?.[0] ?? ''
  for (const option of ['--read-only', '--cap-drop ALL', '--security-opt no-new-privileges', '--memory ']) {
    t.ok(docker.includes(option), option)
  }
  t.match(unit, /^ExecStart=\S+ dist\/src\/server\.js$/m)
  for (const [text, descriptors, patience] of [
    [unit, /^LimitNOFILE=(\d+)$/m, /^TimeoutStopSec=(\d+)$/m], [docker, /nofile=(\d+)/, /stop-timeout (\d+)/]
  ] as const) {
    t.ok(Number(descriptors.exec(text)?.[1]) > config.MAX_CLIENTS)
    t.ok(Number(patience.exec(text)?.[1]) * 1000 > config.DRAIN_MS + 5000)
  }
})
