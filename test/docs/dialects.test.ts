import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { build, connect } from '../helper.js'

const page = readFileSync(new URL('../../docs/dialects.md', import.meta.url), 'utf8')

/** The example, word for word, in a file of its own. It imports the built package, as anybody's dialect does. */
function example (directory: string): string {
  const [, source = ''] = /^```js\n(import [^]*?)^```$/m.exec(page) ?? []
  const file = join(directory, 'whisper.mjs')
  writeFileSync(file, source)
  return file
}

t.test('the example in docs/dialects.md loads as a plugin, and two clients talk as the page shows', async (t) => {
  const app = await build(t, { PLUGINS: example(t.testdir()) })
  const clients = { alice: await connect(t, app, '/whisper'), bob: await connect(t, app, '/whisper') }
  const [, dialogue = ''] = /^```text\n(alice [^]*?)^```$/m.exec(page) ?? []
  const lines = [...dialogue.matchAll(/^(alice|bob) +([→←]) (.*)$/gm)]
  t.equal(lines.length, 6)
  for (const [, name, direction, frame = ''] of lines) {
    const client = clients[name as keyof typeof clients]
    if (direction === '→') client.send(frame)
    else t.same(await client.next(), JSON.parse(frame))
  }
})

t.test('the example refuses what the page says it does', async (t) => {
  const app = await build(t, { PLUGINS: example(t.testdir()) })
  const [alice, bob] = [await connect(t, app, '/whisper'), await connect(t, app, '/whisper')]
  const answers = async (frame: unknown, message: string) => {
    alice.send(frame)
    t.same(await alice.next(), { type: 'error', message })
  }
  await answers('{', 'Not JSON')
  await answers({ type: 'shout' }, 'Unknown type')
  await answers({ type: 'hello' }, 'Malformed hello')
  await answers({ type: 'whisper', to: 'bob', text: 'psst' }, 'Say hello first')
  bob.send({ type: 'hello', name: 'bob' })
  await bob.next()
  await answers({ type: 'hello', name: 'bob' }, 'That name is taken')
  alice.send({ type: 'hello', name: 'alice' })
  await alice.next()
  await answers({ type: 'whisper', to: 'carol', text: 'psst' }, 'Nobody here has that name')
})
