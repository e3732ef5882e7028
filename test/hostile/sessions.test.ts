import t from 'tap'
import type { Client } from '../helper.js'
import { answers, error, join } from '../routes/drone/clients.js'
import { everywhere } from './places.js'

const env = { DRONE_LIST_UPDATES: 'false', MESSAGE_RATE: '1000000', MESSAGE_BURST: '1000000' }

/** Offers under so many names, all of which arrive. */
async function offer (from: Client, to: Client, target: string, names: readonly string[]): Promise<void> {
  for (const sessionId of names) from.send({ type: 'offer', target, sdp: 's', sessionId })
  await to.nextThat(({ sessionId }) => sessionId === names.at(-1))
}

everywhere(t, 'whoever offers hundreds of sessions ends its own only', env, async (t, one, other) => {
  const [alice, bob, mallory] = [await join(t, one, 'alice'), await join(t, other, 'bob'), await join(t, other, 'mallory')]
  await offer(alice, bob, 'bob', ['theirs'])
  const names = Array.from({ length: 200 }, (_, at) => `flood ${at}`)
  await offer(mallory, alice, 'alice', names)
  await offer(mallory, bob, 'bob', names.map((name) => `${name} of bob`))

  bob.send({ type: 'answer', target: 'alice', sdp: 's' })
  t.match(await alice.next(), { type: 'answer', from: 'bob', sessionId: 'theirs' }, 'the session of the two is still their latest')
  for (const target of ['alice', 'bob']) {
    for (const frame of [{ type: 'offer', sdp: 's' }, { type: 'answer', sdp: 's' }, { type: 'ice', candidate: null }]) {
      mallory.send({ ...frame, target, sessionId: 'theirs' })
      t.same(await answers(mallory), [error('Unknown session')], `and a stranger's ${frame.type} to ${target} does not get into it`)
    }
  }
  alice.send({ type: 'offer', target: 'bob', sdp: 'again', sessionId: 'theirs' })
  t.match(await bob.next(), { type: 'offer', from: 'alice', sessionId: 'theirs' })
})

everywhere(t, 'who takes part in two sessions of one name shows neither to the other', env, async (t, one, other) => {
  const [drone, first, second] = [await join(t, one, 'drone'), await join(t, other, 'first'), await join(t, one, 'second')]
  await offer(drone, first, 'first', ['default'])
  await offer(drone, second, 'second', ['default'])
  first.send({ type: 'ice', target: 'second', candidate: null, sessionId: 'default' })
  second.send({ type: 'offer', target: 'first', sdp: 's', sessionId: 'default' })
  t.same([await answers(first), await answers(second)], [[error('Unknown session')], [error('Unknown session')]])
  await first.close()
  second.send({ type: 'answer', target: 'drone', sdp: 's' })
  t.match(await drone.next(), { type: 'answer', from: 'second', sessionId: 'default' }, 'and the end of one is not the end of the other')
})
