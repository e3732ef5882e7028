import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type Env, until } from '../helper.js'
import { freePort } from '../../scripts/ports.js'

export interface Turn {
  readonly port: number
  /** Settings that make Signalbox give credentials for it. */
  readonly env: Env
  /** What it logged so far. */
  log (): string
}

const secret = 'shared with coturn'

interface Special {
  /** The address that it gives its relays, in place of the loopback where they are. */
  readonly externalAddress?: string
  /** A certificate, and a port for TLS. */
  readonly tls?: { readonly port: number, readonly key: string, readonly cert: string }
}

/** A coturn with `deploy/turnserver.conf`, where only addresses, secret, files and the say about loopback differ, ended with the test. */
export async function startTurn (t: Test, special: Special = {}): Promise<Turn> {
  const port = await freePort()
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-coturn-'))
  const file = join(directory, 'turnserver.conf')
  writeFileSync(file, configure(port, directory, special))
  const coturn = spawn('turnserver', ['-c', file], { stdio: ['ignore', 'pipe', 'ignore'] })
  let log = ''
  coturn.stdout.setEncoding('utf8').on('data', (text: string) => { log += text })
  t.teardown(async () => {
    coturn.kill('SIGKILL')
    if (coturn.exitCode === null && coturn.signalCode === null) await once(coturn, 'exit')
    rmSync(directory, { recursive: true })
  })
  await until(() => {
    if (coturn.exitCode !== null) throw new Error(`coturn ended: ${log}`)
    return log.includes('Total General servers')
  })
  return { port, env: { TURN_URLS: `turn:127.0.0.1:${port}`, TURN_SECRET: secret }, log: () => log }
}

function configure (port: number, directory: string, { externalAddress, tls }: Special): string {
  const tested = readFileSync(new URL('../../deploy/turnserver.conf', import.meta.url), 'utf8')
  const external = externalAddress === undefined ? '' : `\nexternal-ip=${externalAddress}/127.0.0.1`
  const substitutes: Array<[here: string, there: string]> = [
    ['listening-port=3478', `listening-port=${port}\nlistening-ip=127.0.0.1\nrelay-ip=127.0.0.1${external}\nallow-loopback-peers`],
    ['static-auth-secret=change-me', `static-auth-secret=${secret}`],
    ['log-file=stdout', `log-file=stdout\nverbose\npidfile=${join(directory, 'pid')}\nuserdb=${join(directory, 'turndb')}`]
  ]
  if (tls !== undefined) {
    const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
    writeFileSync(key, tls.key)
    writeFileSync(cert, tls.cert)
    substitutes.push(['no-tls\n', `tls-listening-port=${tls.port}\ncert=${cert}\npkey=${key}\n`])
  }
  return substitutes.reduce((text, [here, there]) => {
    if (!text.includes(here)) throw new Error(`deploy/turnserver.conf has no ${here}`)
    return text.replace(here, there)
  }, tested)
}
