import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { parseEnv } from 'node:util'
import { enter } from '../../src/testing/actors.js'
import { build, type Env, type Reachable } from '../helper.js'
import { builtIn, optional } from '../routes/dialects.js'

const pageOf = (name: string): string => readFileSync(new URL(`../../docs/migrate/${name}.md`, import.meta.url), 'utf8')

const hasPage = (name: string): boolean => existsSync(new URL(`../../docs/migrate/${name}.md`, import.meta.url))

/** The settings before `npm start`, on any port. */
function settingsOf (page: string): Env {
  const [, settings = ''] = /^```sh\n(.*) npm start\n```$/m.exec(page) ?? []
  const { PORT: _port, ...others } = parseEnv(settings.replaceAll(' ', '\n').replaceAll(/:\d+/g, ':0')) as Env
  return others
}

for (const subject of [...builtIn, ...optional].filter(({ name }) => name !== 'peerjs' && hasPage(name))) {
  const { name } = subject
  const page = pageOf(name)
  const [, before = '', now = ''] = /^\| `(ws:.*)` \| `(wss:.*)` \|$/m.exec(page) ?? []

  t.test(`docs/migrate/${name}.md: its peers meet at the old URL and at the new one, each with the other`, async (t) => {
    const settings = settingsOf(page)
    t.match(settings, { DIALECTS: name, NATIVE_PORTS: `${name}:0` })
    t.match(page, `NATIVE_PORTS=${name}:${new URL(before).port}`)
    const app = await build(t, settings)
    const at = async (where: Reachable, url: string, id: string, place?: string) =>
      await enter(t, where, { ...subject, path: () => new URL(url).pathname }, id, { place })
    const alice = await at(app.nativePorts[0] as number, before, 'alice')
    const bob = await at(app, now, 'bob', alice.place)
    for (const [one, other] of [[alice, bob], [bob, alice]] as const) {
      const load = `hello from ${one.id}`
      one.signal(other.id, load)
      let heard = await other.hears()
      // In topics, whoever publishes gets it, too.
      if (heard.load === `hello from ${other.id}`) heard = await other.hears()
      t.same(heard, { sender: heard.sender === undefined ? undefined : one.id, load }, 'not every dialect says from whom')
    }
  })
}
