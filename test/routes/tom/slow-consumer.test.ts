import t from 'tap'
import { build } from '../../helper.js'
import { error, join, listOf, news } from './nodes.js'

t.test('a node that reads too slowly is closed and leaves, and who signals it is told', async (t) => {
  const app = await build(t, { MAX_BUFFERED: '65536', MESSAGE_RATE: '100000' })
  const alice = await join(t, app, 'a')
  const slow = await join(t, app, 's')
  await listOf(alice, 'a', 's')
  slow.socket.pause()
  const payload = 'x'.repeat(200_000)
  let sent = 0
  const first = alice.next()
  const isDone = first.then(() => true)
  while (!await Promise.race([isDone, new Promise<false>((resolve) => setImmediate(resolve, false))])) {
    alice.send({ type: 'signal', from: 'a', to: 's', payload })
    sent++
  }
  const answers = [await first, ...await news(alice, ['a', 'a'], alice)]
  t.match(answers.filter(({ type }) => type === 'presence'), [{ action: 'leave', nodeId: 's' }], 'it left once')
  const refused = answers.filter(({ type }) => type === 'error')
  t.ok(refused.length > 0)
  t.same(refused[0], error('peer not found'))

  let arrived = 0
  slow.socket.on('message', (data) => { if (String(data).includes('"signal"')) arrived++ })
  slow.socket.resume()
  t.match(await slow.closed, { code: 4100 })
  t.equal(arrived + refused.length, sent, 'each signal either arrived or was refused')
})
