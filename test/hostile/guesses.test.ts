import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { type Client, connect, type Frame } from '../helper.js'
import { creator, error, tryJoin } from '../routes/rooms/members.js'
import { everywhere } from './places.js'

const env = { MESSAGE_RATE: '1000000', MESSAGE_BURST: '1000000', CONNECT_RATE: '1000000' }
const allowed = 10
const attacker = { localAddress: '127.0.0.66' }
const tooMany = error('Too many attempts')

/** What was answered to many joins but that they were too many. */
async function tried (answers: Array<Promise<Frame>>): Promise<Frame[]> {
  return (await Promise.all(answers)).filter(({ message }) => message !== tooMany.message)
}

async function honestJoin (t: Test, app: FastifyInstance, roomId: string): Promise<void> {
  const honest = await connect(t, app, '/rooms')
  t.match(await tryJoin(honest, roomId), { type: 'room_joined', roomId }, 'who comes from elsewhere joins')
}

everywhere(t, 'of guesses of 280 sockets at once ten are made', env, async (t, one, other) => {
  const { roomId } = await creator(t, one)
  const sockets = await Promise.all(Array.from(
    { length: 280 },
    async (_, at) => await connect(t, at % 2 === 0 ? one : other, '/rooms', attacker)
  ))
  // The last of them know the code, and are too late, whichever of them were asked first.
  const answers = await tried(sockets.map(async (socket, at) => await tryJoin(socket, at < 200 ? '0000' : roomId)))
  t.ok(answers.filter(({ type }) => type === 'error').length <= allowed)
  t.ok(answers.filter(({ type }) => type === 'room_joined').length <= 1, 'one more may be made, and find a room')
  t.same(await tried(sockets.map(async (socket) => await tryJoin(socket, roomId))), [], 'nor does the right one get in any more')
  await honestJoin(t, other, roomId)
})

everywhere(t, 'guesses that one socket sends without waiting are ten', env, async (t, one, other) => {
  const { roomId } = await creator(t, one)
  const sockets: Client[] = [await connect(t, one, '/rooms', attacker), await connect(t, other, '/rooms', attacker)]
  for (const socket of sockets) for (let guess = 0; guess < 500; guess++) socket.send({ type: 'join', roomId: `x${guess}` })
  const answers = await tried(sockets.flatMap((socket) => Array.from({ length: 500 }, async () => await socket.next())))
  t.equal(answers.length, allowed)
  await honestJoin(t, other, roomId)
})

everywhere(t, 'a class that joins at once from one address gets in', env, async (t, one, other) => {
  const { roomId } = await creator(t, one)
  const sockets = await Promise.all(Array.from(
    { length: 40 },
    async (_, at) => await connect(t, at % 2 === 0 ? one : other, '/rooms', attacker)
  ))
  const answers = await Promise.all(sockets.map(async (socket) => await tryJoin(socket, roomId)))
  t.equal(answers.filter(({ type }) => type === 'room_joined').length, 40)
  // So many are members now on both nodes together, and may fail as often.
  const failures = []
  for (let guess = 0; guess < 39; guess++) failures.push((await tryJoin(sockets[guess % 2] as Client, 'none')).message)
  t.same(new Set(failures), new Set(['Room not found']))
})
