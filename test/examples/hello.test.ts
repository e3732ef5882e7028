import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { build, urlOf } from '../helper.js'
import type { ClientDialect, Frame } from '../../src/testing/dialect.js'
import { clients } from '../../src/testing/clients.js'

/** The dialects in the order of the example. */
const { peerjs, rooms, psync, drone, tom } = clients

/** What two clients of a dialect write, up to the first signal. */
function framesOf (dialect: ClientDialect): Frame[] {
  return [...dialect.registration('alice'), ...dialect.registration('bob', 'a place'), dialect.offer('alice', 'bob', {})]
}

/** The names in a frame, in order: `type` and `payload.peer_id`, but nothing of an SDP. */
function namesIn (frame: Frame): string[] {
  const { payload } = frame
  const isRegistration = frame.type === 'register' && payload !== undefined
  return [...Object.keys(frame), ...(isRegistration ? Object.keys(payload as Frame) : [])]
}

t.test('npm run hello shows two clients of every dialect, which write what the clients of the tests write', async (t) => {
  const url = urlOf(await build(t)).replace('http', 'ws')
  const child = spawn(process.execPath, ['examples/hello.js', url], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill())
  let output = ''
  child.stdout.on('data', (text) => { output += String(text) })
  t.same(await once(child, 'close'), [0, null])

  const scenes = output.trim().split('\n\n')
  t.same(scenes.map((scene) => scene.split('\n')[0]), ['PeerJS', 'Rooms', 'PSync', 'Drone', 'ToM'])
  for (const [at, dialect] of [peerjs, rooms, psync, drone, tom].entries()) {
    const written = [...(scenes[at] ?? '').matchAll(/→ (.*)/g)].map(([, json = '']) => JSON.parse(json) as Frame)
    const expected = framesOf(dialect)
    t.same(written.map(({ type }) => type), expected.map(({ type }) => type), dialect.name)
    t.same(written.map(namesIn), expected.map(namesIn), dialect.name)
  }
})
