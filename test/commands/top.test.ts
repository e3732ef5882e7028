import { createServer, request as httpRequest, type RequestListener, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { freePort } from '../../scripts/ports.js'
import type { AuditEntry, NodesAnswer, NodeStatus, Sample } from '../../routes/admin/console-schema.js'
import { top as command } from '../../src/commands/top/index.js'
import { Overview } from '../../src/commands/top/overview.js'
import { screen } from '../../src/commands/top/screen.js'
import { inSeconds, secret, tokenFor, withSecret } from '../auth/tokens.js'
import { nodesOn, tomPeer } from '../cluster/nodes.js'
import { build, type Env, urlOf } from '../helper.js'

/** What `signalbox top` prints, called within this process. */
async function top (t: Test, env: Env, ...argv: string[]): Promise<string> {
  let stdout = ''
  t.equal(await command(argv, { env, stdout: { write: (text) => { stdout += text } } }), 0)
  t.notMatch(stdout, secret)
  return stdout
}

async function refusal (env: Env, ...argv: string[]): Promise<string> {
  return await command(argv, { env, stdout: { write () {} } }).then(() => 'it went well', ({ message }: Error) => message)
}

interface Told {
  readonly connections: number
  readonly peers: number
  readonly nodes: ReadonlyArray<{ readonly node: string, readonly status: string, readonly sample?: object }>
  readonly rooms: readonly unknown[]
  readonly events: ReadonlyArray<{ readonly event: string, readonly id?: string }>
}

/** A server of the test's own. */
async function serverWith (t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('each second it prints a line, and ends after as many as it was asked for', async (t) => {
  const app = await build(t)
  await tomPeer(t, app, 'alice')
  const lines = (await top(t, {}, urlOf(app), '--count', '2')).split('\n')
  t.equal(lines.length, 3)
  const said = /^\d\d:\d\d:\d\d {2}connections 1 {2}peers 1 {2}in \S+\/s {2}out \S+\/s {2}errors \S+\/s {2}refused 0 {2}nodes ready \d\/\d$/
  for (const line of lines.slice(0, 2)) t.match(line, said)
})

t.test('--json prints an object for each second, with nodes, rooms and the events since the last', async (t) => {
  const app = await build(t)
  let text = ''
  let joined: Promise<unknown> | undefined
  await command([urlOf(app), '--json', '--count', '2'], {
    env: {},
    stdout: {
      write (part) {
        text += part
        joined ??= tomPeer(t, app, 'alice')
      }
    }
  })
  await joined
  const told = text.trim().split('\n').map((line) => JSON.parse(line) as Told)
  t.equal(told.length, 2)
  t.match(told[0], { connections: 0, peers: 0, nodes: [{ status: 'ready', sample: {} }], rooms: [] })
  t.match(told[1], { connections: 1, peers: 1 })
  const events = told.flatMap((each) => each.events)
  t.equal(events.filter(({ event, id }) => event === 'register' && id === 'alice').length, 1)
})

t.test('it sums over all nodes', async (t) => {
  const { apps: [one, other] } = await nodesOn(t, 2)
  if (one === undefined || other === undefined) throw new Error('no nodes')
  await tomPeer(t, one, 'alice')
  await tomPeer(t, other, 'bob')
  const text = await top(t, {}, urlOf(one), '--json', '--count', '2')
  const told = JSON.parse(text.trim().split('\n').at(-1) ?? '') as Told
  t.match(told, { connections: 2, peers: 2, nodes: { length: 2 }, rooms: [{ room: 'tom', peers: 2, nodes: 2 }] })
})

t.test('with auth it takes a token with the role admin, or signs one where the server asks', async (t) => {
  const app = await build(t, withSecret)
  const url = urlOf(app)
  const admin = tokenFor({ sub: 'ops', roles: ['admin'], exp: inSeconds(60) })
  for (const [env, ...argv] of [[{}, '--token', admin], [withSecret]] as Array<[Env, ...string[]]>) {
    t.match(await top(t, env, url, '--count', '1', ...argv), /connections 0/)
  }
  t.match(await refusal({}, url), /^top: it takes a token: --token "\$\(signalbox token --sub me --role admin\)".* \(401\)$/)
  for (const token of [tokenFor({ sub: 'ops' }), tokenFor({ sub: 'ops', roles: ['admin'], exp: inSeconds(-9) }), 'nonsense']) {
    const said = await refusal(withSecret, url, '--token', token)
    t.match(said, /^top: it refuses the token, which must be valid and have the role admin: signalbox token --check TOKEN .* \(401\)$/)
    t.notMatch(said, token)
  }
})

t.test('the commands of docs/admin.md do what it says', async (t) => {
  const page = readFileSync(new URL('../../docs/admin.md', import.meta.url), 'utf8')
  const url = urlOf(await build(t, withSecret))
  const commands = [...page.matchAll(/^signalbox top \S+(.*)$/gm)].map(([, rest = '']) => {
    return rest.replace('"$TOKEN"', tokenFor({ sub: 'ops', roles: ['admin'] })).split(' ').filter(Boolean)
  })
  const [, , json = ''] = await Promise.all(commands.map(async (rest) => await top(t, withSecret, url, '--count', '1', ...rest)))
  const members = Object.keys(JSON.parse(json) as object)
  const [, table = ''] = page.split('| member | meaning |')
  const named = [...table.matchAll(/`(\w+)`(?= |,)/g)].map(([, name = '']) => name)
  for (const name of ['time', 'connections', 'delayMs', 'nodes', 'silent', 'isComplete', 'rooms', 'events']) {
    t.ok(members.includes(name) && named.includes(name), name)
  }
})

t.test('no token is signed for a server that asks for none', async (t) => {
  let headers: unknown
  const url = await serverWith(t, (request, response) => {
    headers = request.headers
    response.end()
  })
  await refusal(withSecret, url)
  t.match(headers, { host: String })
  t.notMatch(headers, { authorization: String })
})

t.test('what is there instead of an overview is named in one line, with what to do', async (t) => {
  const signalbox = urlOf(await build(t, { TRUST_PROXY: 'loopback' }))
  const answering = async (status: number, body: string, headers = {}) =>
    await serverWith(t, (_request, response) => response.writeHead(status, headers).end(body))
  const fromElsewhere = await serverWith(t, ({ url }, response) => {
    httpRequest(`${signalbox}${url}`, { headers: { 'x-forwarded-for': '203.0.113.7' } }, (answer) => {
      answer.pipe(response.writeHead(answer.statusCode ?? 0))
    }).end()
  })
  for (const [url, line] of [
    [`http://127.0.0.1:${await freePort()}`, /nothing listens there \(ECONNREFUSED\); signalbox doctor URL/],
    [fromElsewhere, /it answers 403, only from this machine: set CONSOLE_PUBLIC=true/],
    [await answering(403, '<html>'), /a proxy forbids \/admin: ask Signalbox itself, on its host \(403\)/],
    [`${signalbox}/signal`, /Signalbox is there without \/admin\/nodes: the prefix in the URL is wrong/],
    [await answering(404, '<html>'), /no Signalbox is there, or a proxy does not pass \/admin on/],
    [await answering(200, '<html>'), /what answers there is not Signalbox, or another version of it/],
    [await answering(200, '{"nodes":[]}'), /what answers there is not Signalbox, or another version of it/],
    [await answering(418, ''), /what answers there is not Signalbox \(418\)/],
    [await answering(301, '', { location: 'https://here.test/' }), /it leads to https:\/\/here\.test\/: give that URL \(301\)/],
    [await answering(502, '<html>'), /a proxy answers 502; signalbox doctor URL/],
    [await answering(429, '{"error":"Rate limit exceeded"}'), /it answers 429, Rate limit exceeded/],
    [await answering(403, '{"error":"\\u001b[31mred\\nand more"}'), /it answers 403, �\[31mred�and more/],
    [signalbox.replace('http:', 'https:'), /it does not speak TLS there/]
  ] as Array<[string, RegExp]>) {
    const said = await refusal({}, url)
    t.match(said, line)
    t.match(said, /^top: [^\n]*$/)
  }
})

t.test('arguments that make no sense end with one line, without what was given', async (t) => {
  const hidden = 'hunter2'
  for (const [argv, line] of [
    [[], /expected one URL/],
    [[hidden], /expected a URL such as/],
    [[`http://me:${hidden}@localhost`], /without a query or credentials/],
    [['http://localhost', hidden], /expected one URL/],
    [['http://localhost', '--count', hidden], /--count: expected a number of lines/],
    [['http://localhost', '--count', '0'], /--count: expected a number of lines/],
    [['http://localhost', '--token'], /--token takes a value/],
    [['http://localhost', '--nope'], /--nope/]
  ] as Array<[string[], RegExp]>) {
    const said = await refusal({}, ...argv)
    t.match(said, line)
    t.notMatch(said, hidden)
    t.notMatch(said, /\n/)
  }
})

const status: NodeStatus = {
  node: '0f3a9c21',
  host: 'host',
  version: '1.2.3',
  status: 'ready',
  state: 'memory',
  uptime: 11_520,
  connections: 3,
  maxClients: 100,
  dialects: [{ dialect: 'tom', connections: 3, registrations: 9 }, { dialect: 'drone', connections: 0, registrations: 0 }],
  size: { peers: 0, rooms: 0, largestRoom: 0, mailboxes: 0, mailboxBytes: 0, sessions: 0, attempts: 0 },
  memory: { rss: 104_857_600, heapTotal: 1, heapUsed: 1, external: 1 },
  eventLoop: { utilization: 0.25, delayMs: 1.25 }
}
const sample: Sample = {
  node: status.node,
  time: 1,
  connections: 3,
  peers: 2,
  received: 12.5,
  sent: 25_000,
  errors: 0,
  refused: 0,
  dropped: 0,
  closes: {},
  handlingMs: 0,
  delayMs: 1.25,
  utilization: 0.25
}
const entry: AuditEntry = { node: status.node, time: 1, event: 'connect', address: '10.0.0.1' }

/** What was told of so many nodes, with rooms and events. */
function overviewOf (count: number, events: readonly AuditEntry[] = [entry], more: Partial<NodesAnswer> = {}): Overview {
  const overview = new Overview()
  const nodes = Array.from({ length: count }, (_, at) => ({ ...status, node: `0000000${at}`.slice(-8) }))
  overview.nodes = { here: '00000000', nodes, silent: 0, isComplete: true, ...more }
  overview.rooms = { rooms: [{ room: 'tom', dialect: 'tom', peers: 2, nodes: 1 }], total: 1 }
  for (const { node } of nodes) overview.hear({ event: 'sample', data: { ...sample, node } })
  for (const data of events) overview.hear({ event: 'audit', data })
  return overview
}

const textsOf = (overview: Overview, width = 100, height = 24, trouble?: string) =>
  screen({ overview, url: 'http://localhost:8080', width, height, trouble }).map(({ text }) => text)

t.test('the screen has totals, a line for each node, rooms, and events', async (t) => {
  const lines = textsOf(overviewOf(2))
  t.match(lines[0], /^Signalbox 1\.2\.3 {2}http:\/\/localhost:8080 .*q quits$/)
  t.equal(lines[1], 'connections 6  peers 4  in 25/s  out 50K/s  errors 0/s  refused 0')
  t.ok(lines.some((line) => /^00000000 +host +ready +3h 12m +3 +12\.5 +25K +1\.3 ms +25 % +100 MiB +tom 3$/.test(line)), lines.join('\n'))
  t.ok(lines.includes('     2  tom'))
  t.match(lines.at(-1), /^\d\d:\d\d:\d\d {2}connect {3}10\.0\.0\.1$/)
})

t.test('it fits any size, and says what it leaves out', async (t) => {
  const many = overviewOf(9, Array.from({ length: 50 }, () => entry))
  for (const height of [1, 2, 5, 8, 12, 24, 60]) {
    for (const width of [1, 20, 40, 80, 200]) {
      const lines = textsOf(many, width, height)
      t.ok(lines.length <= height && lines.every((line) => [...line].length <= width), `${width} × ${height}`)
    }
  }
  t.equal(textsOf(many, 80, 60).length, 60, 'events fill what is left')
  t.ok(textsOf(many, 80, 12).some((line) => /^… \d more$/.test(line)))
  const narrow = textsOf(many, 40).find((line) => line.startsWith('NODE')) ?? ''
  t.match(narrow, /CONN +IN\/S/)
  t.notMatch(narrow, /HOST|BUSY/, 'the least important columns go first')
})

t.test('nodes that cannot be seen, trouble and refusals are shown', async (t) => {
  const refused: AuditEntry = { ...entry, event: 'refused', reason: 'origin' }
  const overview = overviewOf(1, [refused, ...Array.from({ length: 50 }, () => entry)], { silent: 2, isComplete: false })
  overview.hear({ event: 'sample', data: { ...sample, node: '00000000', refused: 3 } })
  const lines = textsOf(overview, 80, 24, 'Lost')
  for (const line of ['Lost', 'Redis is away: other nodes cannot be seen', '2 more do not answer']) t.ok(lines.includes(line), line)
  t.match(lines[1], /refused 3$/)
  t.ok(lines.some((line) => /refused +10\.0\.0\.1 +origin/.test(line)), 'among fifty newer events')
})

t.test('nothing that a server or its peers say controls the terminal', async (t) => {
  const evil = '\u001b[2J\u009b31m\r\n\u202e\u{e0001}x'
  // eslint-disable-next-line no-control-regex
  const control = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\u{e0001}]/u
  const told = { ...entry, event: 'refused', id: evil, reason: evil, room: evil }
  const dialects = [{ dialect: evil, connections: 1, registrations: 1 }]
  const overview = overviewOf(1, [told], { nodes: [{ ...status, host: evil, version: evil, dialects }] })
  overview.rooms = { rooms: [{ room: evil, dialect: 'tom', peers: 1, nodes: 1 }], total: 1 }
  const lines = textsOf(overview, 400)
  t.equal(lines.filter((line) => line.includes('�[2J�31m��')).length, 4)
  for (const line of lines) t.notMatch(line, control)

  const say = (response: ServerResponse, event: string, data: unknown) => {
    response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  }
  const bodies: Record<string, unknown> = { nodes: overview.nodes, rooms: overview.rooms }
  const url = await serverWith(t, ({ url = '' }, response) => {
    const [, body] = Object.entries(bodies).find(([name]) => url.includes(name)) ?? []
    if (body !== undefined) return response.end(JSON.stringify(body))
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    say(response, 'audit', told)
    say(response, 'sample', { ...sample, node: '00000000' })
  })
  for (const more of [[], ['--json']]) t.notMatch(await top(t, {}, url, '--count', '1', ...more), control)
  const json = JSON.parse(await top(t, {}, url, '--count', '1', '--json')) as Told
  t.match(json.events, [{ id: evil }], 'in JSON it is escaped, and not lost')
})
