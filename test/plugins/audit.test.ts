import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fastify from 'fastify'
import t, { type Test } from 'tap'
import { signalbox } from '../../src/app.js'
import { readConfig } from '../../src/settings.js'
import { createService } from '../../src/service.js'
import { tokenFor, withSecret } from '../auth/tokens.js'
import { build, connect, type Env, refusal, until } from '../helper.js'

type Record = Readonly<{ [name: string]: unknown }>

function trailFor (t: Test) {
  const directory = mkdtempSync(join(tmpdir(), 'audit-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'trail', 'audit.log')
  const text = () => existsSync(path) ? readFileSync(path, 'utf8') : ''
  const records = (): Record[] => text().split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Record)
  return { path, text, records, events: () => records().map(({ event }) => event) }
}

const building = async (t: Test, env: Env = {}) => {
  const trail = trailFor(t)
  return { ...trail, app: await build(t, { ...env, AUDIT_LOG: trail.path }) }
}

t.test('a connection leaves a record of its beginning, its registration and its end', async (t) => {
  const { app, records } = await building(t)
  const alice = await connect(t, app, '/tom')
  alice.send({ type: 'register', nodeId: 'alice', username: 'Alice' })
  await alice.nextOf('participants')
  await alice.close(1000)
  await until(() => records().length === 3)
  const who = { dialect: 'tom', address: '127.0.0.1' }
  t.match(records(), [
    { event: 'connect', ...who },
    { event: 'register', ...who, id: 'alice', room: 'tom' },
    { event: 'leave', ...who, id: 'alice', code: 1000 }
  ])
})

t.test('every dialect leaves the same records, also at the bare root', async (t) => {
  const { app, records } = await building(t)
  const hello: { [path: string]: unknown } = {
    '/rooms': { type: 'create' },
    '/psync': { type: 'register', source_id: 'a', payload: { peer_id: 'a', group_id: 'g' } },
    '/drone': { type: 'register', id: 'a' },
    '/': { type: 'register', nodeId: 'a', username: 'A' },
    '/peerjs?key=peerjs&id=a&token=t': undefined
  }
  for (const [path, frame] of Object.entries(hello)) {
    const client = await connect(t, app, path === '/psync' ? '/psync/ws' : path)
    if (frame !== undefined) client.send(frame)
    await client.next()
    await client.close()
  }
  await until(() => records().length === 15)
  t.same(records().map(({ event }) => event), Array.from({ length: 5 }, () => ['connect', 'register', 'leave']).flat())
  t.same(records().filter(({ event }) => event === 'leave').map(({ dialect }) => dialect), ['rooms', 'psync', 'drone', 'tom', 'peerjs'])
})

t.test('a takeover is the end of the older connection', async (t) => {
  const { app, records } = await building(t)
  const old = await connect(t, app, '/drone')
  old.send({ type: 'register', id: 'cam' })
  await old.next()
  const newer = await connect(t, app, '/drone')
  newer.send({ type: 'register', id: 'cam' })
  await newer.next()
  await old.closed
  t.same(records().map(({ event }) => event).sort(), ['connect', 'connect', 'register', 'register', 'takeover'])
  t.match(records().find(({ event }) => event === 'takeover'), { id: 'cam', code: 4000, dialect: 'drone' })
})

t.test('whom the server closes was kicked, and why', async (t) => {
  const { app, records, events } = await building(t)
  const client = await connect(t, app, '/peerjs?key=wrong&id=a&token=t')
  await client.closed
  await until(() => events().includes('kicked'))
  t.match(records().at(-1), { event: 'kicked', code: 1008, reason: 'Invalid key provided' })
})

t.test('whom the drain closes was drained, and the trail is whole when the server has stopped', async (t) => {
  const trail = trailFor(t)
  const app = createService(readConfig({ HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'silent', AUDIT_LOG: trail.path }, []))
  await app.listen({ port: 0, host: '127.0.0.1' })
  const client = await connect(t, app, '/rooms')
  await app.close()
  t.equal((await client.closed).code, 1001)
  t.same(trail.events(), ['connect', 'drained'])
})

t.test('every refusal is recorded with its reason, whatever was refused', async (t) => {
  const { app, records } = await building(t, { ...withSecret, ALLOWED_ORIGINS: 'https://good.test' })
  await refusal(t, app, '/tom', { origin: 'https://bad.test' })
  await (await connect(t, app, '/tom?token=forged')).closed
  const alice = await connect(t, app, `/tom?token=${tokenFor({ sub: 'alice' })}`)
  alice.send({ type: 'register', nodeId: 'bob', username: 'Bob' })
  t.match(await alice.next(), { error: 'not allowed' })
  const carol = await connect(t, app, `/peerjs?key=peerjs&id=dave&token=${tokenFor({ sub: 'carol' })}`)
  await carol.closed
  await until(() => records().filter(({ event }) => event === 'refused').length === 4)
  t.match(records().filter(({ event }) => event === 'refused'), [
    { reason: 'origin', address: '127.0.0.1' },
    { reason: 'unauthorized', address: '127.0.0.1', dialect: 'tom' },
    { reason: 'not_allowed', address: '127.0.0.1', dialect: 'tom', subject: 'alice' },
    { reason: 'not_allowed', address: '127.0.0.1', dialect: 'peerjs', subject: 'carol' }
  ])
})

t.test('who keeps an id and who is refused it is recorded', async (t) => {
  const { app, records } = await building(t, { ID_TAKEOVER: 'reject' })
  for (let at = 0; at < 2; at++) {
    const client = await connect(t, app, '/tom')
    client.send({ type: 'register', nodeId: 'alice', username: 'Alice' })
    await client.next()
  }
  t.match(records().find(({ event }) => event === 'refused'), { reason: 'id_taken', dialect: 'tom', id: 'alice' })
})

t.test('a relay is recorded at debug, with its ends and without its payload', async (t) => {
  const { app, records, text } = await building(t, { LOG_LEVEL: 'debug' })
  const [alice, bob] = [await connect(t, app, '/tom'), await connect(t, app, '/tom')]
  for (const [client, id] of [[alice, 'alice'], [bob, 'bob']] as const) {
    client.send({ type: 'register', nodeId: id, username: id })
    await client.nextOf('participants')
  }
  alice.send({ type: 'signal', from: 'alice', to: 'bob', payload: 'hunter2' })
  await bob.nextOf('signal')
  t.match(records().find(({ event }) => event === 'relay'), { dialect: 'tom', id: 'alice', to: 'bob', room: 'tom' })
  t.notMatch(text(), 'hunter2')
})

t.test('no token and no query is in the trail', async (t) => {
  const { app, text, events } = await building(t, withSecret)
  const token = tokenFor({ sub: 'alice' })
  await (await connect(t, app, `/drone?token=${token}&other=hunter2`)).close()
  await (await connect(t, app, '/drone?token=hunter2')).closed
  await until(() => events().length === 3)
  t.notMatch(text(), token)
  t.notMatch(text(), 'hunter2')
})

t.test('a flood of refusals is counted, and recorded in part', async (t) => {
  const { app, records } = await building(t)
  for (let refused = 0; refused < 1000; refused++) app.signalbox.connections.refused('origin', { address: '192.0.2.1' })
  t.equal(app.signalbox.connections.counters.refused.get('origin'), 1000)
  await until(() => records().length > 0)
  const written = records().length
  t.ok(written >= 500 && written < 600, `${written} records`)
  await until(() => {
    app.signalbox.connections.refused('origin', { address: '192.0.2.1' })
    return records().some(({ omitted }) => omitted !== undefined)
  })
})

t.test('a trail that is new is for its owner’s eyes only, and one that was there keeps its mode', async (t) => {
  const { path, app } = await building(t)
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.equal(statSync(dirname(path)).mode & 0o777, 0o700)
  await app.close()
  const lines: string[] = []
  for (const [mode, warnings] of [[0o640, 0], [0o644, 1]] as const) {
    chmodSync(path, mode)
    const again = fastify({ logger: { level: 'warn', stream: { write: (line: string) => lines.push(line) } } })
    t.teardown(async () => await again.close())
    await again.register(signalbox, { config: { AUDIT_LOG: path } })
    await again.ready()
    t.equal(statSync(path).mode & 0o777, mode)
    t.equal(lines.filter((line) => line.includes('AUDIT_LOG: every user of this machine')).length, warnings)
  }
})

t.test('a named pipe that nobody reads does not hold the start up', async (t) => {
  const path = join(t.testdir(), 'trail')
  execFileSync('mkfifo', [path])
  const app = createService(readConfig({ AUDIT_LOG: path, LOG_LEVEL: 'silent' }, []))
  await t.rejects(async () => { await app.ready() }, { name: 'ConfigError', message: /^AUDIT_LOG: cannot write to ".*" \(ENXIO\)$/ })
})

t.test('a trail that cannot be written stops the start', async (t) => {
  const { path } = trailFor(t)
  const app = createService(readConfig({ AUDIT_LOG: join(dirname(path), '..'), LOG_LEVEL: 'silent' }, []))
  await t.rejects(async () => { await app.ready() }, { name: 'ConfigError', message: /^AUDIT_LOG: cannot write to ".*" \(EISDIR\)$/ })
})
