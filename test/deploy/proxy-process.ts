import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

/** A text in a file, and its replacement. */
export type Substitute = [here: string, there: string]

/** A file of `deploy/` with replacements. Throws when a text is not in it. */
export function adapted (file: string, substitutes: Substitute[]): string {
  return substitutes.reduce((text, [here, there]) => {
    if (!text.includes(here)) throw new Error(`deploy/${file} has no ${here}`)
    return text.replaceAll(here, there)
  }, readFileSync(new URL(`../../deploy/${file}`, import.meta.url), 'utf8'))
}

/** A directory that is removed with the test. */
export function temporary (t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-deploy-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  return directory
}

/** A running proxy. */
export interface Proxy {
  /** Ends it; answers all that it has written. */
  readonly end: () => Promise<string>
}

/** Runs a proxy until the test ends. */
export async function runProxy (t: Test, command: string, argv: string[]): Promise<Proxy> {
  const child = spawn(command, argv, { env: { PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin` }, stdio: ['ignore', 'pipe', 'pipe'] })
  const closed = once(child, 'close')
  let written = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => { written += text })
  async function end () {
    child.kill('SIGTERM')
    await closed
    return written
  }
  t.teardown(end)
  await once(child, 'spawn')
  return { end }
}

/** Debian's nginx with a configuration in this directory. It writes nowhere else. */
export async function runNginx (t: Test, directory: string): Promise<Proxy> {
  return await runProxy(t, 'nginx', ['-p', directory, '-c', join(directory, 'nginx.conf'), '-g', 'daemon off;'])
}
