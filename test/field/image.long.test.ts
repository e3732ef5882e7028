import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { filesFor } from '../tls/secure.js'
import { fileWith } from './file-with.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8')
/** What the image runs, and how Docker asks whether it is well. */
const entrypoint = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)?.[1] ?? '') as string[]
const healthCheck = JSON.parse(/^HEALTHCHECK .* CMD (.*)$/m.exec(dockerfile)?.[1] ?? '') as string[]
const { PATH = '' } = process.env
const inContainer = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc']
const skip = spawnSync('unshare', [...inContainer.slice(1), 'true']).status !== 0 && 'no process namespace can be made here'

interface Container {
  /** The exit code of the health check. */
  readonly check: () => Promise<number>
  readonly output: () => string
  /** Ends its first process, and with it all others. */
  readonly end: () => Promise<unknown>
}

/** A process namespace in which the image's command is the first process, as in a container without and with `--init`. */
async function container (t: Test, env: Record<string, string>, flags: string[], isInit: boolean): Promise<Container> {
  // An init has the command behind its own name, and the command as its child.
  const init = isInit ? ['bash', '-c', '"$@" & wait', 'init'] : []
  const [command = '', ...args] = [...inContainer, ...init, ...entrypoint, ...flags]
  const outside: ChildProcess = spawn(command, args, { cwd: root, env: { PATH, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  ;(outside.stdout as Readable).setEncoding('utf8').on('data', (text: string) => { output += text })
  while (!output.includes('Server listening at')) await once(outside.stdout as Readable, 'data')
  const first = Number(readFileSync(`/proc/${outside.pid}/task/${outside.pid}/children`, 'utf8').trim())
  t.teardown(() => { try { process.kill(first, 'SIGKILL') } catch {} })
  return {
    async check () {
      const within = ['--target', String(first), '--pid', '--mount', `--wd=${root}`]
      const asking = spawn('nsenter', [...within, ...healthCheck], { env: { PATH, ...env } })
      const [code] = await once(asking, 'exit') as [number]
      return code
    },
    output: () => output,
    async end () {
      process.kill(first, 'SIGKILL')
      await once(outside, 'exit')
    }
  }
}

for (const isInit of [false, true]) {
  t.test(`flags behind the image’s name reach the server and its health check${isInit ? ', with --init' : ''}`, { skip }, async (t) => {
    const { env: { TLS_CERT, TLS_KEY, TLS_CA } } = filesFor(t)
    const tls = { TLS_CERT, TLS_KEY }
    for (const [what, env, flags] of [
      ['a port of its own', { HOST: '127.0.0.1' }, ['--port', '18471', '--peerjs-key', 'mine']],
      ['the same in variables', { HOST: '127.0.0.1', PORT: '18471' }, ['--peerjs-key=mine']],
      ['in files', { HOST: '127.0.0.1', PORT_FILE: fileWith(t, '18471\n') }, ['--peerjs-key-file', fileWith(t, 'mine\n')]],
      ['TLS', { HOST: '127.0.0.1', ...tls }, ['--port=18471']],
      ['TLS by flags', {}, ['--host=127.0.0.1', '--port=18471', '--tls-cert', TLS_CERT, '--tls-key', TLS_KEY]],
      ['client certificates', { ...tls, TLS_CA, HOST: '127.0.0.1', PORT: '18471' }, ['--tls-require-client-cert']]
    ] as Array<[string, Record<string, string>, string[]]>) {
      const { check, output, end } = await container(t, env, flags, isInit)
      t.match(output(), ':18471', what)
      t.equal(await check(), 0, what)
      await end()
      t.not(await check(), 0, `${what}, gone`)
    }
  })
}
