import t from 'tap'
import { closeCodes } from '../../src/frame/close-codes.js'
import { countTypes, kindOf } from '../../web/connection-test/explain/candidates.js'
import { explainClose } from '../../web/connection-test/explain/close-codes.js'
import { explainHandshake } from '../../web/connection-test/explain/handshake.js'
import { distinct, explainIceError } from '../../web/connection-test/explain/ice-errors.js'
import { explainContext } from '../../web/connection-test/explain/secure-context.js'
import { explainSilence } from '../../web/connection-test/explain/silence.js'
import { explainStatus } from '../../web/connection-test/explain/statuses.js'
import { serversWith, transportOf } from '../../web/connection-test/explain/turn-urls.js'
import { verdict, writeReport } from '../../web/connection-test/report.js'
import { unanswered } from '../../web/connection-test/socket.js'
import type { Finding, Group } from '../../web/connection-test/check.js'

t.test('every close code of Signalbox is explained', async (t) => {
  for (const code of [unanswered, ...Object.values(closeCodes)]) {
    const { what, change } = explainClose({ code, reason: '' })
    t.notMatch(what, /no code of Signalbox/, String(code))
    t.ok(change.length > 0)
  }
  t.match(explainClose({ code: 1008, reason: 'Unauthorized' }).change.join(), /JWT_SECRET/)
  t.match(explainClose({ code: 1013, reason: '' }).change.join(), /MAX_CLIENTS.*TRUST_PROXY/)
  t.match(explainClose({ code: 3456, reason: 'mine' }).what, '3456 (mine)')
})

t.test('an address is public, private, of this machine, or hidden by the browser', async (t) => {
  const kinds = {
    public: ['8.8.8.8', '172.32.0.1', '172.15.0.1', '100.128.0.1', '203.0.113.7', '2001:db8::1', '11.0.0.1', '[2a00::1]'],
    private: [
      '10.0.0.1', '172.16.0.1', '172.31.255.1', '192.168.1.1', '100.64.0.1', '100.127.0.1', '169.254.1.1', '0.0.0.0', 'fd00::2', 'FE80::1',
      'fc00::1', '[fd00::2]', '::ffff:10.0.0.1', '::'
    ],
    loopback: ['127.0.0.1', '127.8.0.1', '::1', '[::1]'],
    hidden: ['b37a0e1c-3c2d-4c39-9a4c-8f1f1bb1e5c7.local']
  }
  for (const [kind, addresses] of Object.entries(kinds)) for (const address of addresses) t.equal(kindOf(address), kind, address)
})

t.test('candidates are counted by type', async (t) => {
  const candidate = { protocol: 'udp', address: '10.0.0.1', port: 1, relayProtocol: null, url: null }
  t.equal(countTypes(['host', 'relay', 'host'].map((type) => ({ type, ...candidate }))), '2 host, 1 relay')
})

t.test('the transport of a TURN URL is what browsers take it for', async (t) => {
  const transports = {
    udp: ['turn:a', 'turn:a:3478', 'turn:a?transport=udp', 'TURN:a', 'turn:[::1]:3478'],
    tcp: ['turn:a?transport=tcp', 'turn:a:80?transport=TCP'],
    tls: ['turns:a', 'turns:a:443', 'turns:a?transport=tcp'],
    undefined: ['turns:a?transport=udp', 'stun:a', 'stuns:a', 'http://a']
  }
  for (const [transport, urls] of Object.entries(transports)) for (const url of urls) t.equal(String(transportOf(url)), transport, url)
  t.same(
    serversWith([{ urls: ['turn:a', 'turns:a'], username: 'u', credential: 'c' }, { urls: 'turn:b' }], (url) => transportOf(url) === 'udp'),
    [{ urls: 'turn:a', username: 'u', credential: 'c' }, { urls: 'turn:b' }]
  )
})

t.test('an ICE error is explained by its code, and 701 by how the server is reached', async (t) => {
  const errors: Array<[code: number, text: string, url: string, what: RegExp, change: RegExp]> = [
    [401, 'Unauthorized', 'turn:a', /credential.*401/, /TURN_SECRET.*static-auth-secret/],
    [441, '', 'turn:a', /credential/, /TURN_SECRET/],
    [486, 'Allocation Quota Reached', 'turn:a', /as many relays/, /user-quota/],
    [508, '', 'turn:a', /no free port/, /min-port/],
    [701, 'TURN host lookup received error.', 'turn:nowhere', /name cannot be resolved/, /TURN_URLS/],
    [701, 'STUN host lookup received error.', 'stun:nowhere', /name cannot be resolved/, /STUN_URLS/],
    [701, 'TURN allocate request timed out.', 'turn:a:3479', /not answer/, /UDP port 3479/],
    [701, 'STUN binding request timed out.', 'stun:a', /not answer/, /STUN_URLS.*UDP port 3478/],
    [701, '', 'turn:a?transport=tcp', /No connection/, /TCP port 3478/],
    [701, '', 'turns:a?transport=tcp', /No TLS/, /tls-listening-port=5349.*certificate.*TCP port 5349/],
    [701, '', 'turns:[2001:db8::1]:443', /No TLS/, /TCP port 443/],
    [701, 'STUN server address is incompatible.', 'stun:a', /no address of a kind/, /IPv4/],
    [699, 'odd', 'turn:a', /“odd”.*699/, /log/]
  ]
  for (const [code, text, url, what, change] of errors) {
    const explained = explainIceError({ code, text, url })
    t.match(explained.what, what)
    t.match(explained.change.join(' '), change)
  }
  t.equal(distinct([1, 2].map(() => ({ code: 701, text: '', url: 'stun:a' }))).length, 1)
})

t.test('a WebSocket that does not open is explained by what plain requests are answered', async (t) => {
  const good = { origin: 'https://a.test', infoStatus: 200, originStatus: 204, readyStatus: 200 }
  t.match(explainHandshake({ ...good, originStatus: 403 }).change.join(), '`https://a.test` to `ALLOWED_ORIGINS`')
  t.match(explainHandshake(good).paste, 'proxy_set_header Upgrade')
  t.match(explainHandshake({ ...good, infoStatus: 0 }).what, /no answer/)
  t.match(explainHandshake({ ...good, originStatus: 429 }).change.join(), /TRUST_PROXY.*CONNECT_RATE/)
  t.match(explainHandshake({ ...good, readyStatus: 503 }).what, /takes no clients/)
})

t.test('every status has an explanation and something to change', async (t) => {
  for (const status of [0, 200, 401, 403, 404, 429, 500, 502, 503, 504]) {
    const { what, change } = explainStatus(status)
    t.ok(what.length > 0 && change.length > 0, String(status))
  }
})

t.test('a page without HTTPS is warned about, but for one of the same machine', async (t) => {
  const mark = (protocol: string, isSecure: boolean) => explainContext({ protocol, hostname: 'a.test', isSecure }).mark
  t.equal(mark('https:', true), 'pass')
  t.equal(mark('http:', true), 'pass')
  t.equal(mark('http:', false), 'warn')
  t.match(explainContext({ protocol: 'http:', hostname: 'a.test', isSecure: false }).summary, /mixed content/)
})

t.test('what silence shows depends on how often the server pings', async (t) => {
  const survived = { lastedMs: 70_000, wantedMs: 70_000, closed: undefined }
  t.match(explainSilence({ ...survived, heartbeatMs: 30_000 }).details?.join(), /every 30 s.*does not show/)
  t.match(explainSilence({ ...survived, heartbeatMs: 120_000 }).details?.join(), /did not have to ping/)
  const cut = explainSilence({ lastedMs: 10_020, wantedMs: 70_000, heartbeatMs: 30_000, closed: { code: 1006, reason: '' } })
  t.match(cut, { mark: 'fail', summary: /cut after 10 s.*every 30 s/, paste: /proxy_read_timeout/ })
  const dead = explainSilence({ lastedMs: 70_000, wantedMs: 70_000, heartbeatMs: 30_000, closed: { code: unanswered, reason: '' } })
  t.match(dead, { mark: 'fail', summary: /dead after 70 s/, paste: /proxy_read_timeout/ })
  const closed = explainSilence({ lastedMs: 10_020, wantedMs: 70_000, heartbeatMs: 30_000, closed: { code: 4101, reason: '' } })
  t.match(closed, { mark: 'fail', summary: /pings were not answered/ })
})

const passed: Finding = { mark: 'pass', summary: 'Good.' }
const checks = ['a', 'b'].map((name) => ({ name, title: name.toUpperCase(), about: '', run: async () => passed }))
const groups: Group[] = [{ title: 'All', checks }]

t.test('the report says everything but what is secret, and what is this device’s own', async (t) => {
  const text = writeReport({
    groups,
    about: [['Page', 'https://a.test/test']],
    secrets: ['t.o.k', '17:alice'],
    findings: new Map<string, Finding>([['a', {
      mark: 'fail',
      summary: 'Bad, says t.o.k.',
      details: ['17:alice was refused'],
      change: ['Do `this`.'],
      paste: 'one\ntwo',
      candidates: [{ type: 'host', protocol: 'udp', address: '192.168.7.7', port: 1, relayProtocol: null, url: null }]
    }]])
  })
  t.equal(text, `# Signalbox connection test

- Page: https://a.test/test

## All

- ✗ **A**: Bad, says (left out).
  - (left out) was refused
  - Types: 1 host
  - To change: Do \`this\`.

    \`\`\`
    one
    two
    \`\`\`

- … **B**: not finished
`)
})

t.test('all results come to one sentence', async (t) => {
  const said = (a?: Finding, b?: Finding) => {
    const found = Object.entries({ a, b }).filter((entry): entry is [string, Finding] => entry[1] !== undefined)
    return verdict(groups, new Map(found))
  }
  t.same(said(), { mark: undefined, text: '0 of 2 checks done' })
  t.same(said({ ...passed, mark: 'fail' }), { mark: undefined, text: '1 of 2 checks done, 1 fault' })
  t.same(said({ ...passed, mark: 'fail' }, { ...passed, mark: 'warn' }), { mark: 'fail', text: '1 fault and 1 warning' })
  t.same(said({ ...passed, mark: 'warn' }, { ...passed, mark: 'warn' }), { mark: 'warn', text: '2 warnings' })
  t.same(said(passed, { ...passed, mark: 'skip' }), { mark: 'pass', text: 'Everything tested works; 1 check not tested' })
  t.same(said(passed, passed), { mark: 'pass', text: 'Everything works' })
})
