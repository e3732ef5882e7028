import { once } from 'node:events'
import { createConnection } from 'node:net'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { begin, build, Client, connect, type Env, urlOf } from '../helper.js'
import { enter } from '../../src/testing/actors.js'
import { subjects } from '../routes/dialects.js'
import { connectTcp, upgradeBytes } from '../../src/testing/raw.js'
import { textFrame } from '../../src/testing/websocket.js'
import { inSeconds, lastWords, tokenFor, withQuery, withSecret } from './tokens.js'

const claims = { sub: 'alice' }
const good = tokenFor(claims)
const issued: Env = { ...withSecret, JWT_ISSUER: 'https://issuer.test', JWT_AUDIENCE: 'signalbox' }
const issuedClaims = { ...claims, iss: 'https://issuer.test', aud: 'signalbox' }

/** The socket is opened and closed at once; what came before that. */
async function isRefused (t: Test, client: Client, name: string, message: string): Promise<void> {
  // Without a token in its handshake, it could come in its first frame.
  if (name === 'ayame') client.socket.once('open', () => client.send({ type: 'register', roomId: 'room', clientId: 'alice' }))
  t.same(await client.closed, { code: 1008, reason: 'Unauthorized' }, message)
  t.same(client.taken(), lastWords(name), message)
}

const [head = '', body = '', signature = ''] = good.split('.')
const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Whatever may be wrong with a token. */
const bad: Record<string, string> = {
  'no token': '',
  'not a token': 'hunter2',
  'two parts': `${head}.${body}`,
  'no JSON': `${head}.bm90SlNPTg.${signature}`,
  'a list': `${head}.${encoded([])}.${signature}`,
  'other claims than were signed': `${head}.${encoded({ sub: 'admin' })}.${signature}`,
  'no signature': `${head}.${body}.`,
  'another secret': tokenFor(claims, { key: 'other' }),
  'alg none': tokenFor(claims, { alg: 'none' }),
  'alg none with a signature': `${encoded({ alg: 'none' })}.${body}.${signature}`,
  'another length of HMAC': tokenFor(claims, { alg: 'HS512' }),
  'a critical header that nobody knows': tokenFor(claims, { header: { crit: ['x'], x: 1 } }),
  'expired just now': tokenFor({ ...claims, exp: inSeconds(-0.5) }),
  'not valid for another while': tokenFor({ ...claims, nbf: inSeconds(3600) }),
  'made in the future': tokenFor({ ...claims, iat: inSeconds(3600) }),
  'an exp that is no number': tokenFor({ ...claims, exp: 'never' }),
  'no subject': tokenFor({ ids: ['alice'] }),
  'an empty subject': tokenFor({ sub: '' }),
  'roles that are no list': tokenFor({ ...claims, roles: 'admin' }),
  'rooms that are no names': tokenFor({ ...claims, rooms: [1] })
}

for (const subject of subjects) {
  const { name, env } = subject
  const path = subject.path('alice')

  t.test(`${name}: a token comes in a header, in the query or beside the subprotocol`, async (t) => {
    const app = await build(t, { ...env, ...withSecret })
    const ways: Array<[path: string, headers: Record<string, string>, protocols: string[]]> = [
      [path, { authorization: `Bearer ${good}` }, []],
      [path, { authorization: `bearer  ${good}` }, []],
      [withQuery(path, `token=${good}`), {}, []],
      [withQuery(path, `access_token=${good}`), {}, []],
      [path, {}, ['signalbox.jwt', good]],
      [path, { authorization: 'Basic abc' }, ['chat', 'signalbox.jwt', good]]
    ]
    for (const [path, headers, protocols] of ways) {
      const client = offer(t, app, path, headers, protocols)
      await once(client.socket, 'open')
      t.equal(client.socket.protocol, protocols.length > 0 ? 'signalbox.jwt' : '', 'the token never comes back')
      for (const frame of subject.registration('alice')) client.send(frame)
      await client.nextThat((frame) => subject.welcome(frame, 'alice') !== undefined)
      await client.close()
    }
  })

  t.test(`${name}: without a good token a socket is opened and closed at once`, async (t) => {
    const app = await build(t, { ...env, ...withSecret })
    for (const [kind, token] of Object.entries(bad)) {
      await isRefused(t, begin(t, app, path, { headers: { authorization: `Bearer ${token}` } }), name, kind)
    }
    await isRefused(t, begin(t, app, path), name, 'nothing at all')
    await isRefused(t, begin(t, app, withQuery(path, `token=${bad['another secret']}`)), name, 'in the query')
    await isRefused(t, offer(t, app, path, {}, ['signalbox.jwt', 'hunter2']), name, 'beside the subprotocol')
    await isRefused(t, offer(t, app, path, {}, ['signalbox.jwt']), name, 'no token beside the subprotocol')
    t.equal(app.state.size().peers, 0)
    await enter(t, app, subject, 'alice', { options: { headers: { authorization: `Bearer ${good}` } } })
  })

  t.test(`${name}: frames sent with the handshake are not handled before the token is`, async (t) => {
    const app = await build(t, { ...env, ...withSecret })
    const request = upgradeBytes(withQuery(path, 'token=hunter2'))
    const frames = [...subject.registration('alice'), subject.question('alice')].map(textFrame)
    const socket = await connectTcp(t, app)
    socket.write(Buffer.concat([request, ...frames]))
    let heard = ''
    while (!heard.endsWith('Unauthorized')) heard += (await once(socket, 'data') as [Buffer])[0].toString('latin1')
    const [, sent = ''] = heard.split('\r\n\r\n')
    const error = lastWords(name).map((frame) => JSON.stringify(frame)).join('')
    t.equal(sent, `${error === '' ? '' : `\x81${String.fromCharCode(error.length)}${error}`}\x88\x0e\x03\xf0Unauthorized`)
    t.equal(app.state.size().peers, 0)
  })

  t.test(`${name}: issuer and audience count when they are set`, async (t) => {
    const app = await build(t, { ...env, ...issued })
    for (const [kind, claims] of Object.entries({
      'no issuer': { ...issuedClaims, iss: undefined },
      'another issuer': { ...issuedClaims, iss: 'https://issuer.test/' },
      'an issuer that is no text': { ...issuedClaims, iss: ['https://issuer.test'] },
      'no audience': { ...issuedClaims, aud: undefined },
      'another audience': { ...issuedClaims, aud: ['other'] }
    })) {
      await isRefused(t, begin(t, app, withQuery(path, `token=${tokenFor(claims)}`)), name, kind)
    }
    for (const aud of ['signalbox', ['other', 'signalbox']]) {
      const options = { headers: { authorization: `Bearer ${tokenFor({ ...issuedClaims, aud })}` } }
      const { client } = await enter(t, app, subject, 'alice', { options })
      await client.close()
    }
  })
}

t.test('a token that is offered as a subprotocol, alone or beside others, never comes back', async (t) => {
  const app = await build(t, withSecret)
  const open = await build(t)
  const token = tokenFor({ sub: 'alice' })
  const cut = token.slice(0, 50)
  for (const [offered, selected] of [
    [[token], ''],
    [[cut], ''],
    [['chat', token], 'chat'],
    [[token, 'chat'], 'chat'],
    [['x'.repeat(65)], ''],
    [['v1.chat.example'], 'v1.chat.example'],
    [[token, 'signalbox.jwt'], 'signalbox.jwt'],
    [['chat', 'json'], 'chat']
  ] as Array<[string[], string]>) {
    for (const server of [app, open]) {
      // By hand, since a client of ws that is given none of its subprotocols ends.
      const answer = await upgrade(t, urlOf(server), offered)
      t.match(answer, /^HTTP\/1\.1 101 /)
      t.equal(/^sec-websocket-protocol: *(.*)$/im.exec(answer)?.[1]?.trim() ?? '', selected)
      for (const secret of [token, cut]) t.notMatch(answer, secret)
    }
  }
})

/** The head of the answer to a handshake. */
async function upgrade (t: Test, url: string, offered: string[]): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = createConnection({ host: hostname, port: Number(port) })
  t.teardown(() => socket.destroy())
  socket.write([
    'GET /tom HTTP/1.1',
    `Host: ${hostname}:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    `Sec-WebSocket-Protocol: ${offered.join(', ')}`,
    '',
    ''
  ].join('\r\n'))
  let answer = ''
  for await (const part of socket) {
    answer += String(part)
    if (answer.includes('\r\n\r\n')) break
  }
  return answer.split('\r\n\r\n', 1)[0] as string
}

/** Connects and offers subprotocols, as a browser does that cannot set headers. */
function offer (
  t: Test,
  app: Awaited<ReturnType<typeof build>>,
  path: string,
  headers: Record<string, string>,
  protocols: string[]
): Client {
  const client = new Client(new WebSocket(urlOf(app).replace('http', 'ws') + path, protocols, { headers }))
  t.teardown(() => client.socket.terminate())
  return client
}

t.test('at the bare root a token is needed before a dialect is chosen', async (t) => {
  const app = await build(t, withSecret)
  for (const token of Object.values(bad)) await isRefused(t, begin(t, app, `/?token=${token}`), 'auto', 'bare root')
  const client = await connect(t, app, `/?token=${good}`)
  client.send({ type: 'register', nodeId: 'alice', username: 'A' })
  t.match(await client.next(), { type: 'participants' })
})

t.test('clocks may differ by 5 s for nbf and iat, and not for exp', async (t) => {
  const app = await build(t, withSecret)
  for (const more of [{ nbf: inSeconds(4) }, { iat: inSeconds(4) }, { nbf: inSeconds(4), iat: inSeconds(4), exp: inSeconds(60) }]) {
    const client = await connect(t, app, `/drone?token=${tokenFor({ ...claims, ...more })}`)
    client.send({ type: 'ping' })
    t.match(await client.next(), { type: 'pong' })
  }
  for (const more of [{ nbf: inSeconds(7) }, { iat: inSeconds(7) }, { exp: inSeconds(-0.1) }]) {
    await isRefused(t, begin(t, app, `/drone?token=${tokenFor({ ...claims, ...more })}`), 'drone', JSON.stringify(more))
  }
})

t.test('the header counts before the query, and access_token before a token that PeerJS made up', async (t) => {
  const app = await build(t, withSecret)
  await isRefused(t, begin(t, app, `/drone?token=${good}`, { headers: { authorization: 'Bearer hunter2' } }), 'drone', 'a bad header')
  const peer = await connect(t, app, `/peerjs?key=peerjs&id=alice&token=madeup&access_token=${good}`)
  t.same(await peer.next(), { type: 'OPEN' })
  const other = await connect(t, app, '/peerjs?key=peerjs&id=alice', { headers: { authorization: `Bearer ${good}` } })
  t.same(await other.next(), { type: 'OPEN' }, 'who has shown a token needs none in the query')
  await isRefused(t, begin(t, app, '/peerjs?key=peerjs&id=alice'), 'peerjs', 'a missing token is an invalid one')
})
