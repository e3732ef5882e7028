import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { build, connect, until, urlOf } from '../helper.js'

const page = readFileSync(new URL('../../docs/dialects.md', import.meta.url), 'utf8')

const modules = [...page.matchAll(/^```js\n(import [^]*?)^```$/gm)].map(([, source = '']) => source)

/** A plugin of the page, word for word, in a file of its own. It imports the built package, as anybody's dialect does. */
function plugin (directory: string, name: string): string {
  const file = join(directory, `${name}.mjs`)
  writeFileSync(file, modules.find((source) => source.includes(`export default async function ${name}`)) ?? '')
  return file
}

const example = (directory: string): string => plugin(directory, 'whisper')

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

t.test('an answer that stays open is a receiver, as the page shows, until its client goes or the server does', async (t) => {
  const directory = t.testdir()
  const app = await build(t, { PLUGINS: `${example(directory)},${plugin(directory, 'listen')}` })
  const listening = new AbortController()
  const response = await fetch(`${urlOf(app)}/listen/alice`, { signal: listening.signal })
  t.equal(response.headers.get('content-type'), 'text/event-stream')
  t.equal((await fetch(`${urlOf(app)}/listen/alice`)).status, 409)
  const bob = await connect(t, app, '/whisper')
  bob.send({ type: 'hello', name: 'bob' })
  t.same(await bob.next(), { type: 'welcome', others: ['alice'] })
  bob.send({ type: 'whisper', to: 'alice', text: 'psst' })
  const [event, greeting] = ['data: {"type":"whisper","from":"bob","text":"psst"}\n\n', ':\n\n']
  let text = ''
  for await (const bytes of response.body ?? []) {
    text += Buffer.from(bytes).toString()
    if (text.length >= greeting.length + event.length) break
  }
  t.equal(text, greeting + event)

  listening.abort()
  await until(() => app.state.size().peers === 1)
  bob.send({ type: 'whisper', to: 'alice', text: 'psst' })
  t.same(await bob.next(), { type: 'error', message: 'Nobody here has that name' })

  const carol = await fetch(`${urlOf(app)}/listen/carol`)
  const closed = app.close()
  t.equal(await carol.text(), greeting)
  await closed
})
