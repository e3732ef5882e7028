import t from 'tap'
import { ConfigError } from '../../src/config/config-error.js'
import { readConfig } from '../../src/settings.js'
import { originFilter } from '../../src/net/origins.js'
import { build, connect, refusal, urlOf } from '../helper.js'

/** An entry, and how a browser or a web view writes that origin. */
const listed = [
  ['file://', 'file://'],
  ['null', 'null'],
  ['capacitor://localhost', 'capacitor://localhost'],
  ['ionic://localhost', 'ionic://localhost'],
  ['app://-', 'app://-'],
  ['chrome-extension://abcdefghijklmnopabcdefghijklmnop', 'chrome-extension://abcdefghijklmnopabcdefghijklmnop'],
  ['moz-extension://0c94dbd2-3d5c-4d9b-a9a5-fa4a4e2a9c3b', 'moz-extension://0c94dbd2-3d5c-4d9b-a9a5-fa4a4e2a9c3b'],
  ['safari-web-extension://8A6F1C3B-0D5E-4B1A', 'safari-web-extension://8A6F1C3B-0D5E-4B1A'],
  ['HTTPS://Example.COM:443', 'https://example.com'],
  ['http://example.org:80', 'http://example.org'],
  ['https://example.net:8443', 'https://example.net:8443'],
  ['https://bücher.example', 'https://xn--bcher-kva.example'],
  ['http://[0:0::1]:3000', 'http://[::1]:3000']
] as const
const ALLOWED_ORIGINS = listed.map(([entry]) => entry).join(',')

t.test('origins of apps, extensions and files can be listed, and every entry matches what a browser writes', async (t) => {
  const app = await build(t, { ALLOWED_ORIGINS, NATIVE_PORTS: 'tom:0' })
  for (const [entry, origin] of listed) {
    await connect(t, app, '/tom', { origin })
    await connect(t, app.nativePorts[0] ?? 0, '/', { origin })
    const answer = await fetch(`${urlOf(app)}/tom/id`, { headers: { origin } })
    t.equal(answer.status, 200, entry)
    t.equal(answer.headers.get('access-control-allow-origin'), origin)
  }
  for (const origin of [
    'file:///', 'capacitor://localhost.evil.test', 'chrome-extension://evil', 'https://example.com:8443', 'http://example.com'
  ]) {
    t.equal((await refusal(t, app, '/tom', { origin })).status, 403, origin)
  }
})

t.test('what no browser writes stops the start, and is never accepted to match nobody', async (t) => {
  for (const entry of [
    'example.com', '*.example.com', 'https://example.com/', 'https://example.com/app', 'https://example.com?a', 'https://user@example.com',
    'https://*', 'https://a.*.com', 'https://*.*.com', 'https://*.1.2.3.4', 'https://example.com:99999', 'https://example.com:0',
    'https://', 'file:///', 'file://host', 'ws://example.com', 'https://a..com', 'https://.a.com', 'https://*..a.com',
    'https://ex^ample.com'
  ]) t.throws(() => readConfig({ ALLOWED_ORIGINS: `https://ok.test,${entry}` }, []), ConfigError, entry)
})

t.test('an entry in capitals matches the origin in its own case and in lower case', async (t) => {
  const isAllowed = originFilter(['safari-web-extension://AB-CD'])
  for (const origin of ['safari-web-extension://AB-CD', 'safari-web-extension://ab-cd']) t.ok(isAllowed(origin))
})
