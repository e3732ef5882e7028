import { join } from 'node:path'
import t from 'tap'
import { profilesTable } from '../../bench/profiles.js'

t.test('a profile tells whose code ran while the process did not sleep', async (t) => {
  const frames = [
    ['(idle)', ''], ['(garbage collector)', ''], ['(program)', ''], ['writev', ''], ['emit', 'node:events'],
    ['send', 'file:///app/node_modules/ws/lib/sender.js'], ['routeHandler', 'file:///app/node_modules/fastify/lib/route.js'],
    ['asJson', 'file:///app/node_modules/pino/lib/tools.js'],
    ['deliver', 'file:///app/dist/src/connection.js'],
    ['', 'file:///app/bench/servers/raw.mjs'],
    ['parse', 'file:///app/node_modules/other/index.js']
  ]
  const nodes = frames.map(([functionName, url], id) => ({ id, callFrame: { functionName, url } }))
  const profile = { nodes, samples: nodes.map(({ id }) => id), timeDeltas: nodes.map(({ id }) => id === 0 ? 1e6 : 10) }
  const file = join(t.testdir({ '1.cpuprofile': JSON.stringify(profile) }), '1.cpuprofile')
  t.same(profilesTable([file, file]).split('\n'), [
    '| server | writes | kernel and native code | garbage collection | Node | `ws` | Fastify and its plugins | pino | ' +
      'the server itself | others |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    '| 1 | 10 | 10 | 10 | 10 | 10 | 10 | 10 | 20 | 10 |',
    '| 2 | 10 | 10 | 10 | 10 | 10 | 10 | 10 | 20 | 10 |'
  ])
})
