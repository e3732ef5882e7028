import t from 'tap'
import { WebSocket } from 'ws'
import { begin, connect, urlOf } from '../helper.js'
import { start } from '../process.js'
import { tokenFor, withQuery, withSecret } from './tokens.js'

t.test('no token is logged, answered or told in an error, wherever it came from, at the lowest level', async (t) => {
  const tokens = {
    good: tokenFor({ sub: 'alice', dialects: ['tom', 'drone'] }),
    fresh: tokenFor({ sub: 'alice' }),
    forged: tokenFor({ sub: 'alice' }, { key: 'other' }),
    garbage: 'hunter2.hunter2.hunter2'
  }
  const { port, child, output, exited } = await start(t, { ...withSecret, LOG_LEVEL: 'trace' })
  const heard: string[] = []
  for (const [kind, token] of Object.entries(tokens)) {
    const headers = { authorization: `Bearer ${token}` }
    for (const path of ['/tom/peers', '/peerjs/peers', '/', '/nope', '/tom']) {
      heard.push(await (await fetch(urlOf(port) + path, { headers })).text())
      heard.push(await (await fetch(`${urlOf(port)}${path}?access_token=${token}`)).text())
    }
    for (const path of ['/', '/tom', '/drone', '/rooms', '/psync/ws', '/peerjs?key=peerjs&id=alice']) {
      for (const [to, options] of [[path, { headers }], [withQuery(path, `token=${token}`), {}]] as const) {
        const client = begin(t, port, to, options)
        client.socket.on('message', (data) => heard.push(String(data)))
        // Once open: what is refused then ends by itself, and the rest by a token that is not the one of its subject.
        client.socket.on('open', () => {
          client.send({ type: 'nonsense', token })
          client.send({ type: 'auth', token: tokens.fresh })
          client.send({ type: 'auth', token: tokens.forged })
        })
        const { reason } = await client.closed
        heard.push(reason)
      }
    }
    const socket = new WebSocket(`${urlOf(port).replace('http', 'ws')}/tom`, ['signalbox.jwt', token])
    t.teardown(() => socket.terminate())
    await new Promise((resolve) => socket.on('open', resolve))
    t.equal(socket.protocol, 'signalbox.jwt', kind)
    socket.terminate()
  }
  const last = await connect(t, port, `/drone?token=${tokens.good}`)
  last.send({ type: 'ping' })
  t.match(await last.next(), { type: 'pong' })
  child.kill('SIGTERM')
  last.socket.terminate()
  await exited
  const log = output.stdout + output.stderr
  t.ok(log.includes('token refused'), 'refusals are logged')
  t.ok(heard.some((text) => text.includes('"ok":true')) && heard.includes('Unauthorized'))
  for (const [kind, token] of Object.entries(tokens)) {
    for (const part of [token, ...token.split('.').slice(1)]) {
      t.notOk(log.includes(part), `${kind}: ${log.split('\n').find((line) => line.includes(part)) ?? ''}`)
      t.notOk(heard.some((text) => text.includes(part)), `${kind} in what clients hear`)
    }
  }
})
