import t from 'tap'
import type { DefaultDialectName } from '../../src/settings.js'
import { connect } from '../helper.js'
import { clients } from '../../src/testing/clients.js'
import { start } from '../process.js'
import { honestPair, rawWebSocket, textFrame, throttledReader } from './neighbour.js'

t.test('an honest pair alone loses nothing, in every dialect, and what it loses shows', async (t) => {
  const { child, port, rss, peakRss, openFiles } = await start(t)
  for (const dialect of Object.keys(clients) as DefaultDialectName[]) {
    const pair = await honestPair(t, port, { dialect, name: `${dialect}-honest` })
    const { sent, delivered, p50, p99, troubles } = await pair.measure(500)
    t.same({ delivered, troubles }, { delivered: sent, troubles: {} }, `${dialect}: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`)
    t.ok(sent >= 95 && p50 > 0 && p50 <= p99)
  }
  t.ok(rss() > 2 ** 24 && peakRss() >= rss() && openFiles() > 20)

  const neighbour = await honestPair(t, port, { name: 'unlucky' })
  const measuring = neighbour.measure(1000)
  const thief = await connect(t, port, '/drone')
  thief.send({ type: 'register', id: 'unlucky-a' })
  const { sent, delivered, troubles } = await measuring
  t.ok(delivered < sent)
  t.equal(troubles['closed with 4000'], 1)

  const stopped = await honestPair(t, port, { name: 'stopped' })
  child.kill('SIGSTOP')
  setTimeout(() => child.kill('SIGCONT'), 500)
  const { p99 } = await stopped.measure(1000)
  t.ok(p99 > 400, `a server that stands still for 500 ms shows: p99 ${p99.toFixed(0)} ms`)
})

t.test('a throttled reader reads so much a second', async (t) => {
  const { port } = await start(t, { MESSAGE_RATE: '1000000', MESSAGE_BURST: '1000000' })
  const reader = await rawWebSocket(t, port, '/drone')
  reader.socket.write(textFrame({ type: 'register', id: 'reader' }))
  const throttled = throttledReader(reader.socket, 1_000_000)
  const sender = await rawWebSocket(t, port, '/drone')
  sender.socket.write(textFrame({ type: 'register', id: 'sender' }))
  const startedAt = performance.now()
  for (let n = 0; n < 10; n++) sender.socket.write(textFrame({ type: 'offer', target: 'reader', sdp: 'x'.repeat(100_000) }))
  while (throttled.received < 1_000_000) await reader.wait(10)
  t.ok(performance.now() - startedAt > 700, `1 MB in ${Math.round(performance.now() - startedAt)} ms`)
})
