import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { rulesWith, warningsOf } from '../../src/config/rules.js'
import * as builtIn from '../../src/dialects.js'
import { closeCodes, closeReasons, notAllowed, tooManyFrames, unauthorized, unknownDialect } from '../../src/frame/close-codes.js'
import { listenError } from '../../src/listener/listening.js'
import { rawAnswer, statusOf } from '../../src/listener/raw-answers.js'
import { readConfig } from '../../src/settings.js'
import { helpFor, helpPages } from '../../src/telemetry/help.js'
import type { DialectDescription } from '../../routes/dialect.js'
import { disconnectReason } from '../../routes/admin/connections.js'
import * as ayame from '../../routes/ayame/schema.js'
import * as drone from '../../routes/drone/schema.js'
import * as gst from '../../routes/gst/schema.js'
import * as peerjs from '../../routes/peerjs/schema.js'
import * as psync from '../../routes/psync/schema.js'
import * as rooms from '../../routes/rooms/schema.js'
import * as tom from '../../routes/tom/schema.js'
import * as tracker from '../../routes/tracker/schema.js'
import * as topics from '../../routes/topics/schema.js'
import * as http from '../../routes/whip/schema.js'
import { build, connect, until, urlOf } from '../helper.js'
import { start } from '../process.js'
import { anchorsOf } from './anchors.js'

const root = new URL('../../', import.meta.url)
const page = readFileSync(new URL('docs/errors.md', root), 'utf8')
const dialects = { ayame, drone, gst, peerjs, psync, rooms, tom, topics, tracker, whep: http, whip: http }

/** The cells of the tables below a heading, up to the next one; code without its backticks. */
function rowsOf (heading: string): string[][] {
  const [, section = ''] = page.split(`\n${heading}\n`)
  const [own = ''] = section.split(/^#/m)
  const rows = [...own.matchAll(/^\| (.*) \|$/gm)].map(([, row = '']) => row.split(' | ').map((cell) => cell.replace(/^(`+)(.*)\1$/, '$2')))
  return rows.filter(([first = '']) => !/^(code|status|reason|message)$/.test(first))
}

const sorted = (texts: Iterable<string>): string[] => [...new Set(texts)].sort()
const columnOf = (heading: string, column = 0): string[] => sorted(rowsOf(heading).map((row) => row[column] ?? ''))

/** The source of a folder, with `…` for what is put into a text. */
function sourcesOf (folder: string): string[] {
  const files = readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
  return files.filter((file) => file.endsWith('.ts') && !/^(commands|testing)\//.test(file))
    .map((file) => readFileSync(new URL(`${folder}/${file}`, root), 'utf8').replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, '…'))
}

/** What a dialect says of a frame that is none, of each of its frames when it is malformed, and everything else that it has to say. */
function sentencesOf (dialect: { frames?: object, errorMessages: object }): string[] {
  // What goes over HTTP has no frames.
  if (dialect.frames === undefined) return sorted(Object.values(dialect.errorMessages as Record<string, string>))
  const { unknownType, malformed, ...fixed } = dialect.errorMessages as Record<string, unknown> & typeof rooms.errorMessages
  const texts = [
    ...Object.values(fixed),
    ...Object.values('rejections' in dialect ? dialect.rejections as object : {}),
    ...['X', undefined, 7].map((type) => unknownType(type)),
    ...Object.keys(dialect.frames).map((type) => (malformed as (type: string) => string)(type))
  ]
  return sorted(texts.filter((text): text is string => typeof text === 'string' && !/: (undefined|7)$/.test(text)))
}

t.test('docs/errors.md has every close code with its reason, and no other', async (t) => {
  const said = rowsOf('## Close codes').map(([code, reason]) => [Number(code), reason])
  t.same(said, Object.values(closeCodes).sort((one, other) => one - other).map((code) => [code, closeReasons[code]]))
  t.same(columnOf('### Reasons of 1008'), sorted([unauthorized, tooManyFrames, unknownDialect, disconnectReason]))
})

t.test('it has every sentence of every dialect, and no other', async (t) => {
  t.same(Object.keys(dialects).sort(), Object.keys(builtIn).sort())
  const headingOf = (name: string, dialect: object): string => dialect === http ? '## whip and whep' : `## ${name}`
  for (const [name, dialect] of Object.entries(dialects)) t.same(columnOf(headingOf(name, dialect)), sentencesOf(dialect), name)
  const app = await build(t)
  const client = await connect(t, app, '/')
  client.send({ type: 'nothing' })
  t.same(columnOf('## In every dialect'), sorted([notAllowed, String((await client.next()).message)]))
})

t.test('it has every error of HTTP, and no other', async (t) => {
  const app = await build(t, { CONNECT_RATE: '1' })
  const [, limited] = [await fetch(`${urlOf(app)}/tom/id`), await fetch(`${urlOf(app)}/tom/id`)]
  const parserErrors = ['ERR_HTTP_REQUEST_TIMEOUT', 'HPE_HEADER_OVERFLOW', 'HPE_CHUNK_EXTENSIONS_OVERFLOW', 'HPE_INVALID_METHOD']
  const raw = [...parserErrors.map((code) => statusOf(Object.assign(new Error(code), { code }))), 417, 503]
    .map((status) => [String(status), JSON.parse(rawAnswer(status).split('\r\n').at(-1) ?? '').error])
  const literals = [...sourcesOf('plugins'), ...sourcesOf('routes')].map((source) => source.replace(/\bexamples: .*/g, ''))
    .flatMap((source) => [...source.matchAll(/\berror: ([^}\n]*)/g)])
    .flatMap(([, value = '']) => value.startsWith('Type.') ? [] : [...value.matchAll(/(['`])(.*?)\1/g)].map(([, , text = '']) => text))
    .filter((text) => text !== 'unknown dialect')
  const { error } = await limited.json() as { error: string }
  t.same(columnOf('## HTTP', 1), sorted([unauthorized, error, ...literals, ...raw.map(([, text]) => text)]))
  const statuses = rowsOf('## HTTP').map(([status = '', text = '']) => `${status} ${text}`)
  for (const [status, text] of raw) t.ok(statuses.includes(`${status} ${text}`), `${status} ${text}`)
})

const byDefault = Object.values<DialectDescription>(builtIn).filter(({ isOptional = false }) => !isOptional).map(({ name }) => name)

t.test('it has every fixed sentence that stops the start, and no other', async (t) => {
  const listening = (code: string, HOST: string, port: string) => listenError({ code }, { HOST }, 'PORT', port).message
  const fixed = ['src', 'routes'].flatMap((folder) => sourcesOf(folder))
    .flatMap((source) => [...source.matchAll(/new ConfigError\((['`])((?:\\`|(?!\1).)*)\1/g)])
    .map(([, , text = '']) => text.replaceAll('\\`', '`'))
    .filter((text) => /[a-z]{2} [a-z]/.test(text) || /; --help/.test(text) || text.includes('unknown setting'))
  t.same(columnOf('## At the start'), sorted([
    ...rulesWith(byDefault).map(({ name, problem }) => `${name}: ${problem('…', {} as never)}`),
    ...fixed,
    listening('EADDRINUSE', '0.0.0.0', '8080'),
    listening('EACCES', '0.0.0.0', '80'),
    listening('ENOTFOUND', '…', '8080'),
    listening('EACCES', 'unix:…', '8080')
  ]))
})

/** The messages of warnings and errors in the log, as far as they are fixed. One word says only where an error was caught. */
function logged (): string[] {
  const given = /\.(?:warn|error|fatal)\((?:\{[^}]*\}, )?(['`])((?:\\`|(?!\1).)*)\1( \+)?/g
  return ['src', 'plugins', 'routes'].flatMap(sourcesOf)
    .flatMap((source) => [...source.matchAll(given)])
    .map(([, , text = '', goesOn]) => text.replaceAll('\\`', '`') + (goesOn === undefined ? '' : '…'))
}

t.test('it has every warning and every error of the log, and no other, and each line names its page', async (t) => {
  const [, prose = ''] = page.split('These are faults of the server.')
  const faults = [...prose.matchAll(/`([^`]*)`/g)].map(([, text = '']) => text).filter((text) => /\s/.test(text))
  const documented = [...columnOf('## In the log'), ...faults]
  const weak = warningsOf(readConfig({ TURN_SECRET: 'x', TURN_URLS: 'turn:host:1', METRICS_TOKEN: 'x', HOST: 'unix:/a' }, []))
  const messages = [...logged(), ...weak]
  t.ok(messages.length > 35)
  const fits = (entry: string, message: string) =>
    entry === message || (entry.endsWith('…') && message.startsWith(entry.slice(0, -1)))
  for (const entry of documented) {
    t.ok(messages.some((message) => fits(entry, message)), `logged: ${entry}`)
    t.ok(helpPages[entry], `has a page: ${entry}`)
  }
  // Of one word, or what somebody was about to do when it failed.
  const places = ['bringing peers back', 'frames for other nodes', 'asking the holder of an id', 'a question of another node',
    'asking the other nodes', 'peers that were away', 'a message between dialects', 'a signal of a session']
  for (const message of messages.filter((message) => /\s/.test(message) && !places.includes(message))) {
    t.ok(documented.some((entry) => fits(entry, message)), `documented: ${message}`)
  }
  const further = Object.keys(helpPages).filter((message) => !documented.includes(message))
  t.same(further, ['PORT: …', 'HOST: …'], 'those are under “At the start”')
})

t.test('every page with an anchor that the log or the doctor names is there', async (t) => {
  const named = ['src', 'plugins', 'routes'].flatMap((folder) => {
    const files = readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
    return files.flatMap((file) => [...readFileSync(new URL(`${folder}/${file}`, root), 'utf8').matchAll(/docs\/[\w/]+\.md(?:#[\w-]+)?/g)])
  }).map(([link]) => link)
  t.ok(named.filter((link) => link.includes('#')).length > 10)
  for (const link of new Set(named)) {
    const [file = '', anchor] = link.split('#')
    const text = readFileSync(new URL(file, root), 'utf8')
    if (anchor !== undefined) t.ok(anchorsOf(text).includes(anchor), link)
  }
})

t.test('a warning of the server has its page as help, and other lines have none', async (t) => {
  const lines: Array<{ msg: string, help?: string }> = []
  const { output, port } = await start(t, { TURN_SECRET: 'x', TURN_URLS: 'turn:127.0.0.1:9' })
  await fetch(`http://127.0.0.1:${port}/tom/id`, { headers: { 'x-forwarded-for': '203.0.113.7' } })
  await until(() => output.stdout.includes('a forwarding header'))
  for (const line of output.stdout.trim().split('\n')) lines.push(JSON.parse(line) as { msg: string, help?: string })
  const helpOf = (start: string) => lines.find(({ msg }) => msg?.startsWith(start))?.help
  t.equal(helpOf('no JWT key is set'), 'docs/auth.md')
  t.equal(helpOf('TURN_SECRET has fewer'), 'docs/errors.md#in-the-log')
  t.equal(helpOf('a forwarding header'), 'docs/troubleshooting.md#everybody-is-one-address')
  t.equal(helpOf('Server listening'), undefined)
  t.same(lines.filter(({ msg, help }) => help !== undefined && helpFor(msg) !== help), [])
})
