import t from 'tap'
import { buildOnly, connect } from '../../helper.js'
import { startRedis } from '../../redis.js'
import { creator, error, tryJoin } from './members.js'

const build = buildOnly('rooms')

const allowed = 10

t.test('failed joins count over all nodes, and who is barred on one is barred on all', async (t) => {
  const { url } = await startRedis(t)
  const nodes = [await build(t, { REDIS_URL: url }), await build(t, { REDIS_URL: url })] as const
  const { roomId } = await creator(t, nodes[0])
  const guessers = [
    await connect(t, nodes[0], '/rooms', { localAddress: '127.0.0.2' }),
    await connect(t, nodes[1], '/rooms', { localAddress: '127.0.0.2' })
  ] as const
  for (let failure = 0; failure < allowed / 2; failure++) {
    for (const guesser of guessers) t.same(await tryJoin(guesser, 'none'), error('Room not found'))
  }
  t.same(await tryJoin(guessers[0], 'none'), error('Too many attempts'))
  for (const guesser of guessers) t.same(await tryJoin(guesser, roomId), error('Too many attempts'))
  const other = await connect(t, nodes[1], '/rooms', { localAddress: '127.0.0.3' })
  t.match(await tryJoin(other, roomId), { type: 'room_joined', roomId })
})

t.test('failed joins count for a whole /64 network', async (t) => {
  const app = await build(t, { TRUST_PROXY: '127.0.0.1' })
  const { roomId } = await creator(t, app)
  const from = async (address: string) => await connect(t, app, '/rooms', { headers: { 'x-forwarded-for': address } })
  for (let failure = 0; failure < allowed; failure++) {
    t.same(await tryJoin(await from(`2001:db8:1:2::${failure}`), 'none'), error('Room not found'))
  }
  t.same(await tryJoin(await from('2001:db8:1:2:3:4:5:6'), 'none'), error('Too many attempts'))
  t.same(await tryJoin(await from('2001:db8:1:2::99'), roomId), error('Too many attempts'))
  t.match(await tryJoin(await from('2001:db8:1:3::1'), roomId), { type: 'room_joined', roomId })
})
