import fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { signalbox } from '../../src/app.js'
import { ConfigError } from '../../src/config/config-error.js'
import { readConfig } from '../../src/settings.js'
import { forwardedAddresses, plainAddress } from '../../src/net/forwarded.js'
import { trustedProxies } from '../../src/net/trusted-proxies.js'
import { build, connect, type Env, refusal, urlOf } from '../helper.js'

for (const [entry, address] of [
  ['192.0.2.1', '192.0.2.1'],
  [' 192.0.2.1:4711 ', '192.0.2.1'],
  ['2001:db8::1', '2001:db8::1'],
  ['[2001:db8::1]', '2001:db8::1'],
  ['[2001:db8::1]:4711', '2001:db8::1'],
  ['"[2001:db8::1]:4711"', '2001:db8::1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['[fe80::1%25eth0]:80', 'fe80::1'],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
  ['unknown', 'unknown'],
  ['_hidden', '_hidden'],
  ['999.0.2.1:80', '999.0.2.1:80'],
  ['1.2.3.4:5:6', '1.2.3.4:5:6']
] as const) t.test(`the entry ${entry} is the address ${address}`, async (t) => t.equal(plainAddress(entry), address))

const v6 = '"[2001:db8::1]:80"'
for (const [header, addresses] of [
  ['for=192.0.2.1', ['192.0.2.1']],
  [`For=${v6};proto=https;by=203.0.113.43, for=192.0.2.2`, ['2001:db8::1', '192.0.2.2']],
  ['proto=https', ['unknown']],
  ['for=_a , for=unknown', ['_a', 'unknown']],
  ['for=192.0.2.1;host="a,for=192.0.2.9"', ['192.0.2.1']],
  ['for=192.0.2.1;host="a\\",for=192.0.2.9"', ['192.0.2.1']],
  ['for=192.0.2.1;x="\\\\", for=192.0.2.2', ['192.0.2.1', '192.0.2.2']]
] as const) t.test(`Forwarded: ${header}`, async (t) => t.same(forwardedAddresses({ forwarded: header }), addresses))

t.test('what a client leaves open in Forwarded does not hide what the proxy appends', async (t) => {
  for (const claim of ['for=192.0.2.9;x="', 'for="192.0.2.9', 'for=192.0.2.9;x="\\', '"', 'for=192.0.2.9;x="a\\"b']) {
    for (const appended of ['for=192.0.2.1', 'for="192.0.2.1:80"', 'for=192.0.2.1;host="example.com"']) {
      t.equal(forwardedAddresses({ forwarded: `${claim}, ${appended}` })?.at(-1), '192.0.2.1', `${claim}, ${appended}`)
    }
  }
})

t.test('X-Forwarded-For counts where both are there, and a header of any size is read in no time', async (t) => {
  t.same(forwardedAddresses({ 'x-forwarded-for': '192.0.2.1', forwarded: 'for=192.0.2.9' }), ['192.0.2.1'])
  for (const filling of ['"', ',', '\\"', ';', 'for=', '[:']) {
    const long = filling.repeat(8_000)
    const startedAt = performance.now()
    t.ok(forwardedAddresses({ forwarded: long }))
    t.ok(forwardedAddresses({ 'x-forwarded-for': long }))
    t.ok(performance.now() - startedAt < 200, filling)
  }
})

/** One address, as proxies write it. */
const spellings = [
  { 'x-forwarded-for': '2001:db8::1' },
  { 'x-forwarded-for': '[2001:db8::1]' },
  { 'x-forwarded-for': '[2001:db8::1]:50001' },
  { 'x-forwarded-for': '2001:db8::1%eth0' },
  { 'x-forwarded-for': '198.51.100.9:1, "[2001:db8::1]:50002"' },
  { forwarded: 'for="[2001:db8::1]:50003"' },
  { forwarded: 'for=198.51.100.9, for="[2001:DB8::1]";proto=https' }
]

async function embedded (t: Test, env: Env): Promise<FastifyInstance> {
  const app = fastify({ trustProxy: '127.0.0.1', forceCloseConnections: true })
  t.teardown(async () => await app.close())
  await app.register(signalbox, { config: readConfig({ LOG_LEVEL: 'silent', HOST: '127.0.0.1', ...env }, []) })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app
}

const kinds = {
  'in the stock server': async (t: Test, env: Env) => await build(t, env),
  'in an app of yours': embedded
}

for (const [kind, start] of Object.entries(kinds)) {
  t.test(`every limit holds for an address however a proxy writes it, ${kind}`, async (t) => {
    const app = await start(t, { TRUST_PROXY: '127.0.0.1', CONNECT_RATE: String(spellings.length), NATIVE_PORTS: 'tom:0' })
    for (const headers of spellings) t.equal((await fetch(`${urlOf(app)}/tom/id`, { headers })).status, 200)
    for (const headers of spellings) t.equal((await fetch(`${urlOf(app)}/tom/id`, { headers })).status, 429)
    for (const [at, headers] of spellings.entries()) {
      await (at % 2 === 0 ? connect(t, app, '/tom', { headers }) : connect(t, app.nativePorts[0] ?? 0, '/', { headers }))
    }
    t.equal((await refusal(t, app, '/tom', { headers: spellings[2] })).status, 429)
    t.equal((await refusal(t, app.nativePorts[0] ?? 0, '/', { headers: spellings[5] })).status, 429)
    await connect(t, app, '/tom', { headers: { 'x-forwarded-for': '[2001:db9::1]:1' } })

    const few = await start(t, { TRUST_PROXY: '127.0.0.1', CONNECT_RATE: '1000', MAX_CLIENTS_PER_ADDRESS: '1' })
    const first = await connect(t, few, '/tom', { headers: { 'x-forwarded-for': '192.0.2.1' } })
    for (const headers of [{ 'x-forwarded-for': '192.0.2.1:80' }, { forwarded: 'for="192.0.2.1:81"' }]) {
      t.equal((await (await connect(t, few, '/tom', { headers })).closed).code, 1013)
    }
    t.equal(first.socket.readyState, first.socket.OPEN)

    const rooms = await start(t, { TRUST_PROXY: '127.0.0.1', CONNECT_RATE: '1000' })
    let answer
    for (let guess = 0; guess < 11; guess++) {
      const client = await connect(t, rooms, '/rooms', { headers: { 'x-forwarded-for': `192.0.2.1:${guess}` } })
      client.send({ type: 'join', roomId: 'none' })
      answer = (await client.next()).message
    }
    t.equal(answer, 'Too many attempts')
  })
}

t.test('TRUST_PROXY takes a number of hops: so many addresses from the right are proxies', async (t) => {
  const app = await build(t, { TRUST_PROXY: '2', CONNECT_RATE: '1' })
  const ask = async (list: string) => (await fetch(`${urlOf(app)}/tom/id`, { headers: { 'x-forwarded-for': list } })).status
  t.equal(await ask('192.0.2.1, 10.0.0.1'), 200)
  t.equal(await ask('198.51.100.7, 192.0.2.1, 10.0.0.2'), 429, 'what a client claims does not count')
  t.equal(await ask('192.0.2.2:4, 10.0.0.1'), 200)
})

t.test('and names of networks', async (t) => {
  for (const [setting, trusted, others] of [
    ['loopback', ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1'], ['10.0.0.1']],
    ['linklocal', ['169.254.1.1', 'fe80::1', 'fe80::1%eth0'], ['10.0.0.1']],
    ['uniquelocal, 192.0.2.0/24', ['10.0.0.1', '172.16.0.1', '192.168.0.1', 'fd00::1', '192.0.2.1'], ['127.0.0.1', '8.8.8.8']]
  ] as const) {
    t.equal(readConfig({ TRUST_PROXY: setting }, []).TRUST_PROXY, setting)
    const isTrusted = trustedProxies(setting)
    for (const address of trusted) t.ok(isTrusted(address), `${setting}: ${address}`)
    for (const address of others) t.notOk(isTrusted(address), `${setting}: ${address}`)
  }
  const app = await build(t, { TRUST_PROXY: 'loopback', CONNECT_RATE: '1' })
  const ask = async (list: string) => (await fetch(`${urlOf(app)}/tom/id`, { headers: { 'x-forwarded-for': list } })).status
  t.equal(await ask('192.0.2.1'), 200)
  t.equal(await ask('192.0.2.1:5'), 429)
  for (const bad of ['loopbacks', '-1', '1.5', 'loopback/8', '2,3', 'uniquelocal,']) {
    t.throws(() => readConfig({ TRUST_PROXY: bad }, []), ConfigError, bad)
  }
})

for (const [kind, trustProxy] of [['stock', undefined], ['embedded', false]] as const) {
  t.test(`a forwarding header of an address that is not trusted is warned about once (${kind})`, async (t) => {
    const warnings: string[] = []
    const app = trustProxy === undefined ? await build(t) : fastify({ trustProxy, logger: { level: 'warn', stream: { write: () => {} } } })
    const { log } = app
    log.level = 'warn'
    log.warn = ((_bindings: unknown, message = '') => { warnings.push(message) }) as typeof log.warn
    if (trustProxy === false) {
      t.teardown(async () => await app.close())
      await app.register(signalbox, { config: readConfig({}, []) })
      await app.listen({ port: 0, host: '127.0.0.1' })
    }
    const about = () => warnings.filter((text) => text.includes('TRUST_PROXY'))
    await fetch(`${urlOf(app)}/health`)
    t.same(about(), [])
    for (const headers of [{ 'x-forwarded-for': '192.0.2.1' }, { forwarded: 'for=192.0.2.2' }]) {
      await fetch(`${urlOf(app)}/health`, { headers })
      await connect(t, app, '/tom', { headers })
    }
    t.equal(about().length, 1)
    t.match(about()[0], /all its clients count as one address/)
  })
}

t.test('and that of a trusted one is not, even where the proxy asks for itself', async (t) => {
  const app = await build(t, { TRUST_PROXY: '127.0.0.1' })
  const warnings: string[] = []
  app.log.warn = ((_bindings: unknown, message = '') => { warnings.push(message) }) as typeof app.log.warn
  for (const list of ['192.0.2.1', '127.0.0.1']) await fetch(`${urlOf(app)}/health`, { headers: { 'x-forwarded-for': list } })
  t.same(warnings, [])
})
