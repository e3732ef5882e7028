import t from 'tap'
import { build, connect } from '../helper.js'

t.test('a frame of MAX_PAYLOAD bytes is taken, and one byte more closes the socket with 1009', async (t) => {
  const app = await build(t, { MAX_PAYLOAD: '1024' })
  const frameOf = (bytes: number) => {
    const frame = JSON.stringify({ type: 'ping', filler: '' })
    return frame.replace('""', `"${'x'.repeat(bytes - frame.length)}"`)
  }
  for (const wrap of [(text: string) => text, (text: string) => Buffer.from(text)]) {
    const client = await connect(t, app, '/drone')
    client.send(wrap(frameOf(1024)))
    t.match(await client.next(), { type: 'pong' })
    client.send(wrap(frameOf(1025)))
    t.equal((await client.closed).code, 1009)
  }
})

t.test('the peer of a socket that sent too much leaves', async (t) => {
  const app = await build(t, { MAX_PAYLOAD: '1024' })
  const [watcher, loud] = [await connect(t, app, '/tom'), await connect(t, app, '/tom')]
  watcher.send({ type: 'register', nodeId: 'watcher', username: 'W' })
  await watcher.nextOf('participants')
  loud.send({ type: 'register', nodeId: 'loud', username: 'L' })
  await loud.nextOf('participants')
  loud.send('x'.repeat(1025))
  t.match(await watcher.nextThat(({ action }) => action === 'leave'), { nodeId: 'loud' })
})

t.test('a frame in many fragments counts as a whole', async (t) => {
  const app = await build(t, { MAX_PAYLOAD: '1024' })
  const client = await connect(t, app, '/drone')
  for (let fragment = 0; fragment < 11; fragment++) client.socket.send('x'.repeat(100), { fin: false })
  t.equal((await client.closed).code, 1009)
})
