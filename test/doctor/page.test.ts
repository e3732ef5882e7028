import { readFileSync } from 'node:fs'
import t from 'tap'
import { deploymentChecks } from '../../src/commands/doctor/deployment/index.js'
import { hostChecks } from '../../src/commands/doctor/host/index.js'
import { manifest } from '../../src/config/manifest.js'
import { build, urlOf } from '../helper.js'
import { withSecret } from '../auth/tokens.js'
import { readable } from './examine.js'

const page = readFileSync(new URL('../../docs/doctor.md', import.meta.url), 'utf8')

t.test('docs/doctor.md lists every check of each kind, in the order in which they run', async (t) => {
  const [host = '', deployment = ''] = page.split('\n## ').filter((section) => section.includes('| check |'))
  for (const [section, checks] of [[host, hostChecks], [deployment, deploymentChecks]] as const) {
    const listed = [...section.matchAll(/^\| (?!check)(\w[^|]*) \|/gm)].map(([, name = '']) => name)
    t.same(listed, checks.map(({ name }) => name))
  }
})

t.test('the example in docs/doctor.md is what the doctor prints', async (t) => {
  const url = urlOf(await build(t, { ...withSecret, TRUST_PROXY: 'true' }))
  const { text, code } = await readable(withSecret, [url])
  t.equal(code, 2)
  const told = text.replaceAll(url, 'http://127.0.0.1:8080')
    .replaceAll(new URL(url).port, '8080')
    .replaceAll(/\d+\.\d ms/g, '1.0 ms')
    .replaceAll(manifest.version, '0.1.0')
  const [, example] = /\$ signalbox doctor http:\/\/127\.0\.0\.1:8080\n([^]*?)```/.exec(page) ?? []
  t.equal(told, example)
})
