import t from 'tap'
import { buildOnly, totals, until } from '../../helper.js'
import { error, join, listOf, news } from './nodes.js'

const build = buildOnly('tom')

t.test('a node that does not read is closed and leaves, and who signals it is told', async (t) => {
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
  let arrived = 0
  slow.socket.on('message', (data) => { if (String(data).includes('"signal"')) arrived++ })
  await until(() => totals(app).closed(4100) === 1)
  slow.socket.resume()
  t.match(await slow.closed, { code: 4100 })
  const answers = [await first]
  const of = (wanted: string) => answers.filter(({ type }) => type === wanted)
  // Between two nodes an error may come later than the answer to a later frame.
  while (arrived + of('error').length < sent || of('presence').length === 0) answers.push(await alice.next())
  answers.push(...await news(alice, ['a', 'a'], alice))
  t.match(of('presence'), [{ action: 'leave', nodeId: 's' }], 'it left once')
  t.same(of('error')[0], error('peer not found'))
  t.equal(arrived + of('error').length, sent, 'each signal either arrived or was refused')
})
