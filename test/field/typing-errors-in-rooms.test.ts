import t from 'tap'
import { buildOnly, connect } from '../helper.js'
import { creator, error, joiner, tryJoin } from '../routes/rooms/members.js'

const build = buildOnly('rooms')

t.test('a class behind one address mistypes as often as it has members, and is not locked out', async (t) => {
  const app = await build(t)
  const { roomId } = await creator(t, app)
  for (let pupil = 0; pupil < 29; pupil++) await joiner(t, app, roomId)
  const late = await connect(t, app, '/rooms')
  for (let mistakes = 0; mistakes < 30; mistakes++) t.same(await tryJoin(late, '0000'), error('Room not found'))
  t.match(await tryJoin(late, roomId), { type: 'room_joined' })
  t.same(await tryJoin(late, '0000'), error('Room not found'), 'and its own place counts, too')
  t.same(await tryJoin(late, '0000'), error('Too many attempts'), 'but nobody guesses on and on')
})

t.test('an address without members in rooms guesses ten times', async (t) => {
  const app = await build(t)
  const { roomId } = await creator(t, app)
  const guesser = await connect(t, app, '/rooms', { localAddress: '127.0.0.9' })
  for (let guesses = 0; guesses < 10; guesses++) t.same(await tryJoin(guesser, '0000'), error('Room not found'))
  for (const code of ['0000', roomId]) t.same(await tryJoin(guesser, code), error('Too many attempts'))
})
