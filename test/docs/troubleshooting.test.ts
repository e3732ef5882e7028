import { readFileSync } from 'node:fs'
import t from 'tap'
import { ConfigSchema } from '../../src/config/schema.js'
import { build, urlOf } from '../helper.js'

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
const page = read('docs/troubleshooting.md')
const prose = page.replace(/^```[^]*?^```$/gm, '')
const symptoms = prose.split(/^## /m).slice(1)

t.test('every symptom has a check and a fix', async (t) => {
  t.ok(symptoms.length > 12)
  for (const symptom of symptoms) {
    const [title = ''] = symptom.split('\n')
    t.match(symptom, /^\*\*Check\.\*\* [^]*^\*\*Fix\.\*\* /m, title)
  }
})

t.test('the checks that it names are those of the doctor', async (t) => {
  const checks = [...read('docs/doctor.md').matchAll(/^\| ([a-z ]+) \| /gm)].map(([, name]) => name)
  const named = symptoms.flatMap((symptom) => [...symptom.matchAll(/(?<!\*)\*([a-z ]+)\*(?!\*)/g)].map(([, name]) => name))
  t.ok(named.length > 20)
  t.same(named.filter((name) => !checks.includes(name)), ['mixed content'], 'which is what a browser says')
})

t.test('it names /test where a browser finds out more, and the server serves that page', async (t) => {
  const app = await build(t)
  t.equal((await fetch(`${urlOf(app)}/test`)).status, 200)
  const naming = symptoms.filter((symptom) => symptom.includes('`/test`')).map((symptom) => symptom.split('\n')[0])
  t.same(naming, [
    'It works from an http page and not from an https page', 'Peers find each other and no call comes up', '403', 'Closed after 60 s'
  ])
})

t.test('the settings that it names are settings', async (t) => {
  const named = [...prose.matchAll(/`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`/g)].map(([, name = '']) => name)
  t.ok(named.length > 20)
  for (const name of named) t.ok(name in ConfigSchema.properties, name)
})

t.test('what it says of nginx is in a file that a test runs', async (t) => {
  const [, snippet = ''] = /^```nginx\n([^]*?)^```$/m.exec(page) ?? []
  const tested = read('deploy/nginx-tls.conf').split('\n').map((line) => line.trim())
  const lines = snippet.split('\n').map((line) => line.trim())
  t.ok(lines.length > 8)
  t.same(lines.filter((line) => !tested.includes(line)), [])
  for (const [, line = ''] of prose.matchAll(/`(proxy_read_timeout [^`]*)`/g)) t.ok(tested.includes(`${line};`), line)
})
