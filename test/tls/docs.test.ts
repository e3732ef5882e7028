import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { connect } from '../helper.js'
import { request, secure } from './secure.js'

const page = readFileSync(new URL('../../docs/auth.md', import.meta.url), 'utf8')

t.test('the commands in docs/auth.md make certificates with which a client is who it says', async (t) => {
  const [, commands = ''] = /```sh\n(openssl [^]*?)```/.exec(page) ?? []
  const [, settings = ''] = /```sh\n(TLS_CERT=.*) npm start\n/.exec(page) ?? []
  const directory = t.testdir()
  execFileSync('bash', ['-euc', commands], { cwd: directory, stdio: 'pipe' })
  const env = Object.fromEntries(settings.split(' ').map((setting) => {
    const [name, value = ''] = setting.split('=')
    return [name, value.endsWith('.pem') ? join(directory, value) : value]
  }))
  t.match(env, { TLS_CERT: String, TLS_KEY: String, TLS_CA: String, TLS_REQUIRE_CLIENT_CERT: 'true' })
  const { url } = await secure(t, env)
  const read = (name: string) => readFileSync(join(directory, name), 'utf8')
  const ca = read('ca.pem')
  const alice = { ca, cert: read('alice.pem'), key: read('alice-key.pem') }
  t.equal((await request(`${url}/health`, alice)).status, 200)
  await t.rejects(request(`${url}/health`, { ca }))
  const client = await connect(t, url.replace('127.0.0.1', 'localhost'), '/tom', alice)
  client.send({ type: 'register', nodeId: 'bob', username: 'B' })
  t.same(await client.next(), { type: 'error', error: 'not allowed' })
  client.send({ type: 'register', nodeId: 'alice', username: 'A' })
  t.match(await client.next(), { type: 'participants' })
})
