import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { type Client, connect } from '../helper.js'
import { join, pathOf, received } from '../routes/peerjs/join.js'
import { everywhere } from './places.js'

const env = { MESSAGE_RATE: '1000000', MESSAGE_BURST: '1000000', PEERJS_EXPIRE_TIMEOUT: '60000' }

/** A client from an address of its own. */
async function from (t: Test, app: FastifyInstance, id: string, localAddress: string): Promise<Client> {
  const client = await connect(t, app, pathOf(id), { localAddress })
  await client.nextOf('OPEN')
  return client
}

const call = { type: 'OFFER', payload: { sdp: 'v=0'.padEnd(5000, ' ') } }

everywhere(t, 'who floods a mailbox leaves room in it for others', env, async (t, one, other) => {
  const mallory = await join(t, other, 'mallory')
  for (let n = 0; n < 1000; n++) mallory.send({ type: 'CANDIDATE', dst: 'bob', payload: n })
  const refused = await received(mallory, 'mallory')
  t.equal(refused.length, 1000 - 256, 'a quarter of the mailbox, and EXPIRE at once for the rest')

  const alice = await join(t, one, 'alice')
  alice.send({ ...call, dst: 'bob' })
  t.same(await received(alice, 'alice'), [])
  const found = await received(await join(t, one, 'bob'), 'bob')
  t.equal(found.filter(({ src }) => src === 'mallory').length, 256)
  t.match(found.filter(({ src }) => src === 'alice'), [call])
})

everywhere(t, 'who floods a mailbox under many ids leaves room in it for other addresses', env, async (t, one, other) => {
  const flood = await Promise.all(Array.from(
    { length: 8 },
    async (_, at) => await from(t, at % 2 === 0 ? one : other, `m${at}`, '127.0.0.66')
  ))
  for (let n = 0; n < 300; n++) for (const mallory of flood) mallory.send({ type: 'CANDIDATE', dst: 'bob', payload: n })
  for (const [at, mallory] of flood.entries()) await received(mallory, `m${at}`)

  const alice = await join(t, one, 'alice')
  alice.send({ ...call, dst: 'bob' })
  for (let n = 0; n < 100; n++) alice.send({ type: 'CANDIDATE', dst: 'bob', payload: n })
  t.same(await received(alice, 'alice'), [])
  const found = await received(await join(t, one, 'bob'), 'bob')
  t.equal(found.filter(({ src }) => src === 'alice').length, 101)
  t.equal(found.filter(({ src }) => src !== 'alice').length, 896, 'seven eighths of it')
})

everywhere(t, 'tiny frames for thousands of names leave others their share of a node', {
  ...env,
  MAILBOX_TOTAL_BYTES: '4194304'
}, async (t, one) => {
  const mallory = await join(t, one, 'mallory')
  for (let n = 0; n < 2_000; n++) mallory.send({ type: 'OFFER', dst: `nobody ${n}`, payload: 0 })
  const refused = await received(mallory, 'mallory')
  const { mailboxes, mailboxBytes } = one.state.size()
  t.equal(refused.length, 2_000 - mailboxes)
  t.ok(mailboxes > 200 && mailboxBytes <= 4_194_304 / 8, `an eighth of the node is ${mailboxes} names`)

  const alice = await join(t, one, 'alice')
  for (let n = 0; n < 50; n++) alice.send({ ...call, dst: `friend ${n}` })
  t.same(await received(alice, 'alice'), [])
  t.match(await received(await join(t, one, 'friend 49'), 'friend 49'), [call])
})
