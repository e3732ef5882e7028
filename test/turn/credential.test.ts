import { createHmac } from 'node:crypto'
import t from 'tap'
import { completeConfig } from '../../src/config/read.js'
import { iceServersFor } from '../../src/auth/ice-servers.js'
import { bearing, withSecret } from '../auth/tokens.js'
import { build, until, urlOf } from '../helper.js'
import { startTurn } from './coturn.js'
import { allocate, type Credential } from './stun.js'

const turn = await startTurn(t)
const open = await build(t, turn.env)
const guarded = await build(t, { ...turn.env, ...withSecret })

/** What `GET /ice-servers` gives to whoever has a token with this `sub`; without one, on a server that lets everybody in. */
async function fetchCredential (sub?: string): Promise<Credential> {
  const answer = sub === undefined
    ? await fetch(`${urlOf(open)}/ice-servers`)
    : await fetch(`${urlOf(guarded)}/ice-servers`, bearing({ sub }))
  const { iceServers: [{ username = '', credential = '' } = {}] } = await answer.json() as { iceServers: Array<Partial<Credential>> }
  return { username, credential }
}

/** What a subject would have got at another time, in s from now. */
function credentialOf (subject: string, seconds: number, { TURN_TTL = 60, TURN_SECRET = turn.env.TURN_SECRET ?? '' } = {}): Credential {
  const config = completeConfig({ TURN_URLS: ['turn:turn.test'], TURN_SECRET, TURN_TTL })
  const { iceServers: [{ username = '', credential = '' } = {}] } = iceServersFor(subject, Infinity, Date.now() + seconds * 1000, config)
  return { username, credential }
}

t.test('coturn gives an allocation for a fresh credential', async (t) => {
  const { error, relayPort } = await allocate(turn.port, await fetchCredential())
  t.equal(error, undefined)
  t.ok(relayPort)
  t.equal((await allocate(turn.port, await fetchCredential('alice'))).error, undefined)
  await until(() => /username=<\d+:alice>/.test(turn.log()))
})

t.test('coturn gives none for a credential whose time is over', async (t) => {
  t.equal((await allocate(turn.port, credentialOf('alice', -55))).error, undefined, 'it has not ended yet')
  t.equal((await allocate(turn.port, credentialOf('alice', -62))).error, 401)
  t.equal((await allocate(turn.port, credentialOf('alice', -1_000_000, { TURN_TTL: 86_400 }))).error, 401)
})

t.test('coturn gives none for a credential that was altered', async (t) => {
  const { username, credential } = await fetchCredential('alice')
  const expiry = Number(username.split(':')[0])
  const [first = '', ...rest] = credential
  for (const altered of [
    { username: `${expiry + 1}:alice`, credential },
    { username: `${expiry}:bob`, credential },
    { username: `${expiry}`, credential },
    { username, credential: (first === 'A' ? 'B' : 'A') + rest.join('') },
    { username, credential: '' },
    { username, credential: createHmac('sha1', 'another').update(username).digest('base64') },
    credentialOf('alice', 0, { TURN_SECRET: 'another' })
  ]) t.equal((await allocate(turn.port, altered)).error, 401, JSON.stringify(altered))
  t.equal((await allocate(turn.port, { username, credential })).error, undefined, 'as it was it is good')
})

t.test('the quota of a user is that of the subject, and of nobody else', async (t) => {
  const quota = 12
  for (let had = 0; had < quota; had++) t.equal((await allocate(turn.port, credentialOf('carol', had))).error, undefined)
  t.equal((await allocate(turn.port, credentialOf('carol', quota))).error, 486, 'one credential more does not help')
  t.equal((await allocate(turn.port, await fetchCredential())).error, undefined)
  t.equal((await allocate(turn.port, await fetchCredential('dave'))).error, undefined)
})

t.test('coturn takes whatever a subject is', async (t) => {
  for (const sub of [
    'auth0|5f7c1a', 'system:serviceaccount:here:alice', '1795230000:1', 'alice@example.org', ' ', 'Alice Smith',
    'O’Hara', "O'Hara", 'a\\b', '"', 'union select',
    'Reunion/selected', 'ålice', '\u0000', 'x'.repeat(256), 'x'.repeat(257), 'å'.repeat(256), 'x'.repeat(10_000)
  ]) {
    t.equal((await allocate(turn.port, await fetchCredential(sub))).error, undefined, JSON.stringify(sub.slice(0, 40)))
  }
})
