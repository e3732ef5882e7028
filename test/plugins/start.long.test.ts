import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { run, start } from '../process.js'

/** A dialect that understands nothing, as a file in a folder. */
function dialect (folder: string, name: string, autoPrefix = ''): string {
  const file = join(folder, `${name}.mjs`)
  writeFileSync(file, `
    export const autoPrefix = ${JSON.stringify(autoPrefix)}
    const errors = { frame: (text) => text, notJson: '', unknownType: () => '', malformed: () => '', internal: '' }
    const dialect = { name: ${JSON.stringify(name)}, frames: {}, handlers: {}, errors, open: (connection) => connection }
    export default async (app) => { app.route({ url: '/', ...app.speak(dialect) }) }
  `)
  return file
}

/** The one line with which the server ends. */
async function lastWords (t: Test, PLUGINS: string): Promise<string> {
  const { output, exited } = run(t, { PORT: '0', PLUGINS })
  t.equal(await exited, 1)
  t.equal(output.stderr.split('\n').length, 2, 'one line')
  return output.stderr
}

t.test('a plugin without autoPrefix cannot have the root, and the start says so', async (t) => {
  const file = dialect(t.testdir(), 'whisper')
  t.equal(
    await lastWords(t, file),
    `signalbox: PLUGINS: "${file}" wants the path /, which another route has. Its \`autoPrefix\` is where its paths begin\n`
  )
})

t.test('of two plugins that want one path, the start names both', async (t) => {
  const folder = t.testdir()
  const [one, two] = [dialect(folder, 'whisper', '/talk'), dialect(folder, 'shout', '/talk')]
  t.equal(
    await lastWords(t, `${one},${two}`),
    `signalbox: PLUGINS: "${two}" wants the path /talk, which "${one}" has. Its \`autoPrefix\` is where its paths begin\n`
  )
})

t.test('a plugin that is listed twice is refused, however its path is written', async (t) => {
  const file = dialect(t.testdir(), 'whisper', '/whisper')
  t.equal(await lastWords(t, `${file},${file}`), `signalbox: PLUGINS: "${file}" is listed twice\n`)
  const other = file.replace('/whisper.mjs', '/./whisper.mjs')
  t.equal(await lastWords(t, `${file},${other}`), `signalbox: PLUGINS: "${other}" is listed twice\n`)
})

t.test('a plugin cannot have the name of another dialect, unless that is turned off', async (t) => {
  const file = dialect(t.testdir(), 'drone', '/talk')
  t.equal(await lastWords(t, file), `signalbox: PLUGINS: "${file}": There is a dialect named drone already\n`)
  const { output } = await start(t, { DIALECTS: 'tom', PLUGINS: file })
  t.match(output.stdout, 'dialects: tom at /tom, drone at /talk')
})

t.test('the log says which dialects are spoken, and where', async (t) => {
  const { output } = await start(t, { DIALECTS: 'psync,tom', PLUGINS: dialect(t.testdir(), 'whisper', '/whisper') })
  const lines = output.stdout.trim().split('\n').map((line) => JSON.parse(line) as { level: number, msg: string })
  t.match(
    lines.filter(({ msg }) => msg.startsWith('dialects: ')),
    [{ level: 30, msg: /^dialects: psync at \/psync\/ws and \/ws, tom at \/tom, whisper at \/whisper$/ }]
  )
})
