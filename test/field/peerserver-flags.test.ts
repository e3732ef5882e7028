import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { peerServerFlags } from '../../src/config/peerserver-flags.js'
import { readConfig } from '../../src/settings.js'
import { flagOf, settingNames } from '../../src/config/schema.js'

/** What is said of flags that are not ours. */
function messageFor (t: Test, ...argv: string[]): string {
  try {
    readConfig({}, argv)
  } catch (error) {
    return (error as Error).message
  }
  t.fail(`${argv.join(' ')} was accepted`)
  return ''
}

/** Every flag of the real PeerServer, as its own help prints them: `--expire_timeout`, `-t`. */
function flagsOfPeerServer (): string[] {
  const help = execFileSync(process.execPath, ['node_modules/peer/dist/bin/peerjs.js', '--help'], { encoding: 'utf8' })
  return [...new Set([...help.matchAll(/(?<=[\s,])--?[a-zA-Z_]+/g)].map(([flag]) => flag))]
}

t.test('every flag of PeerServer is ours, or is told which of ours does it', async (t) => {
  const theirs = flagsOfPeerServer()
  t.ok(['--path', '--key', '--proxied', '--alive_timeout', '--cors', '-k'].every((flag) => theirs.includes(flag)), theirs.join(' '))
  // `--help` never gets this far; of the version we have none.
  for (const flag of theirs.filter((flag) => flag !== '--help' && flag !== '--version')) {
    if (settingNames.map(flagOf).includes(flag)) continue
    const hint = new RegExp(`^Unknown option '${flag}', which is (--[a-z-]+)\\b.* here; --help lists the flags$`)
    const [, ours = ''] = hint.exec(messageFor(t, flag)) ?? []
    t.ok([...settingNames.map(flagOf), '--help'].includes(ours), `${flag} is ${ours}`)
    t.equal(messageFor(t, `${flag}=hunter2`), messageFor(t, flag), 'with a value')
    t.equal(messageFor(t, flag, '/hunter2'), messageFor(t, flag), 'with one behind it')
  }
})

t.test('docs/migrate/peerjs.md has them all, each with the one that it is here', async (t) => {
  const page = readFileSync(new URL('../../docs/migrate/peerjs.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| (`-.*?`) \| `(--[a-z-]+)` \|/gm)]
  const named = new Map(rows.flatMap(([, flags = '', ours = '']) => [...flags.matchAll(/`([^`]+)`/g)].map(([, flag = '']) => [flag, ours])))
  for (const flag of flagsOfPeerServer().filter((flag) => !['--help', '--version', '-h'].includes(flag))) {
    const ours = peerServerFlags.get(flag) ?? peerServerFlags.get(flag.slice(2).replaceAll('_', '')) ?? flag
    t.equal(named.get(flag), ours.split(',', 1)[0], flag)
    named.delete(flag)
  }
  t.same([...named], [], 'and no other')
  for (const [, name = ''] of page.matchAll(/`([A-Z]+_[A-Z_]+)(?:=[^`]*)?`/g)) {
    t.ok(['PEERSERVER_PATH', ...settingNames].includes(name), name)
  }
  const [, argv = ''] = /^node dist\/src\/server.js (.*)$/m.exec(page) ?? []
  t.match(readConfig({}, argv.split(' ')), { PORT: 9000, PEERJS_KEY: ['mine'], PEERJS_PATH: '/myapp' })
})

t.test('they mean what they mean there', async (t) => {
  for (const [theirs, ours] of [
    ['--path', '--peerjs-path'], ['--key', '--peerjs-key'], ['--sslkey', '--tls-key'], ['--sslcert', '--tls-cert'],
    ['--proxied', '--trust-proxy, with the addresses of the proxy,'], ['--alive_timeout', '--peerjs-alive-timeout'],
    ['--expire_timeout', '--peerjs-expire-timeout'], ['--concurrent_limit', '--peerjs-concurrent-limit'],
    ['--allow_discovery', '--peerjs-allow-discovery'], ['--cors', '--allowed-origins'], ['--aliveTimeout', '--peerjs-alive-timeout'],
    ['--expire-timeout', '--peerjs-expire-timeout'], ['-p', '--port'], ['-H', '--host'], ['-t', '--peerjs-expire-timeout']
  ] as const) t.equal(messageFor(t, theirs), `Unknown option '${theirs}', which is ${ours} here; --help lists the flags`)
})

t.test('a flag of ours in another spelling is told how it is spelled', async (t) => {
  t.equal(messageFor(t, '--max_clients', '5'), 'Unknown option \'--max_clients\', which is --max-clients here; --help lists the flags')
  t.equal(messageFor(t, '--JWT_SECRET=hunter2'), 'Unknown option \'--JWT_SECRET\', which is --jwt-secret here; --help lists the flags')
})
