import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { connect, urlOf } from './helper.js'
import { start } from './process.js'

for (const [title, code] of [
  ['throws where nobody catches it', 'setImmediate(() => { throw new Error("nobody’s error") })'],
  ['rejects where nobody listens', 'Promise.reject(new Error("nobody’s error"))'],
  ['does so again and again', 'setInterval(() => { throw new Error("nobody’s error") }, 1)']
] as const) {
  t.test(`a process in which something ${title} says so in its log, tells its clients to come back and ends with 1`, async (t) => {
    const plugin = join(t.testdir(), 'faulty.mjs')
    writeFileSync(plugin, `export default async (app) => { app.get('/fault', async () => { ${code}; return 'soon' }) }\n`)
    const { port, output, exited } = await start(t, { PLUGINS: plugin })
    const client = await connect(t, port, '/tom')
    await fetch(`${urlOf(port)}/fault`).catch(() => {})
    const ended = client.closed
    t.equal(await exited, 1)
    const { code: closeCode } = await ended
    if (!title.includes('again')) t.equal(closeCode, 1001)
    const lines = output.stdout.trim().split('\n').map((line) => JSON.parse(line) as { level: number, err?: { message: string } })
    t.match(lines.find(({ level }) => level === 60), { err: { message: 'nobody’s error' } })
    t.equal(output.stderr, '')
  })
}
