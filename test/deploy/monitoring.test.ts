import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { parse, stringify } from 'yaml'
import { build, urlOf } from '../helper.js'
import { startRedis } from '../redis.js'

interface Rule { alert: string, expr: string, for?: string, labels: Record<string, string>, annotations: Record<string, string> }
interface Panel {
  id: number
  type: string
  title: string
  description?: string
  targets?: Array<{ expr: string }>
  gridPos: { x: number, y: number, w: number, h: number }
}
interface Dashboard { panels: Panel[], annotations: { list: Array<{ expr: string }> }, templating: { list: Array<{ query: unknown }> } }

const pathOf = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url))
const read = (file: string): string => readFileSync(pathOf(file), 'utf8')
const alerts = (parse(read('deploy/alerts.yml')) as { groups: Array<{ rules: Rule[] }> }).groups.flatMap(({ rules }) => rules)
const dashboard = JSON.parse(read('deploy/grafana.json')) as Dashboard
const shown = [...dashboard.panels.flatMap(({ targets = [] }) => targets), ...dashboard.annotations.list].map(({ expr }) => expr)
const asked = [...alerts.map(({ expr }) => expr), ...shown]

const names = (texts: string[]): string[] => [...new Set(texts.flatMap((text) => text.match(/\b(?:signalbox|process|nodejs)_\w+/g) ?? []))]

/** Debian has it in its package `prometheus`. */
const promtool = spawnSync('promtool', ['--version']).status === 0 ? {} : { skip: 'there is no promtool' }

function check (t: Test, file: string): void {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' })
  t.equal(status, 0, stdout + stderr)
}

t.test('every metric of the alerts and of the dashboard is one of a running server, with such labels', async (t) => {
  const { url } = await startRedis(t)
  const text = await (await fetch(`${urlOf(await build(t, { REDIS_URL: url, BRIDGE: 'peerjs-drone' }))}/metrics`)).text()
  const types = new Map([...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name = '', type]) => [name, type]))
  const seriesOf = (name: string) => types.get(name) === 'histogram' ? ['bucket', 'sum', 'count'].map((part) => `${name}_${part}`) : name
  const served = new Set([...types.keys()].flatMap(seriesOf))
  t.same(names(asked).filter((name) => !served.has(name)), [])

  const page = read('docs/metrics.md')
  for (const [, , reasons = ''] of asked.join('\n').matchAll(/reason=(~?)"([^"]*)"/g)) {
    for (const reason of reasons.split('|')) t.match(page, `\`${reason}\``, reason)
  }
  const labels = [...asked.join('\n').matchAll(/(\w+)=~?"|by \(([^)]*)\)/g)].flatMap(([, label, list]) => label ?? list?.split(', '))
  const known = ['dialect', 'type', 'error', 'event', 'reason', 'code', 'by', 'le', 'job', 'instance', 'from', 'to', 'outcome']
  t.same(labels.filter((label) => !known.includes(label ?? '')), [])
})

t.test('the dashboard shows every metric of Signalbox', async (t) => {
  const documented = [...read('docs/metrics.md').matchAll(/^\| `(signalbox_\w+)` /gm)].map(([, name = '']) => name)
  t.ok(documented.length > 25)
  const bases = names(shown).map((name) => name.replace(/_bucket$/, ''))
  t.same(documented.filter((name) => !bases.includes(name)), [])
})

t.test('its panels say what they show, and none lies over another', async (t) => {
  const { panels } = dashboard
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  const taken: string[] = []
  for (const { title, type, description = '', targets = [], gridPos: { x, y, w, h } } of panels) {
    t.ok(x + w <= 24, title)
    if (type !== 'row') t.ok(description.length > 10 && targets.length > 0, title)
    for (let cell = 0; cell < w * h; cell++) taken.push(`${x + cell % w} ${y + Math.floor(cell / w)}`)
  }
  t.equal(new Set(taken).size, taken.length)
})

t.test('every alert leads to a page', async (t) => {
  t.ok(alerts.length > 10)
  for (const { alert, labels, annotations: { summary, description = '' } } of alerts) {
    t.match(labels.severity, /^(critical|warning|info)$/, alert)
    t.ok(summary, alert)
    const [, page = '', anchor] = /See (docs\/[\w/]+\.md)(?:#([\w-]+))?$/.exec(description) ?? []
    t.ok(page, alert)
    const titles = [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => title.toLowerCase().replace(/[^\w -]/g, ''))
    if (anchor !== undefined) t.ok(titles.some((title) => title.replaceAll(' ', '-') === anchor), description)
  }
})

t.test('Prometheus takes the alerts, and every expression of the dashboard', promtool, async (t) => {
  check(t, pathOf('deploy/alerts.yml'))
  const rules = shown.map((expr, at) => ({ record: `panel:${at}`, expr: expr.replaceAll('$__rate_interval', '5m') }))
  const file = join(t.testdir(), 'dashboard.yml')
  writeFileSync(file, stringify({ groups: [{ name: 'dashboard', rules }] }))
  check(t, file)
})

t.test('Prometheus takes the configuration of docs/metrics.md', promtool, async (t) => {
  const [, configuration = ''] = /^```yaml\n([^]*?)^```$/m.exec(read('docs/metrics.md')) ?? []
  const directory = t.testdir({ 'prometheus.yml': configuration, 'alerts.yml': read('deploy/alerts.yml'), 'metrics-token': 'token' })
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'config', 'prometheus.yml'], { cwd: directory, encoding: 'utf8' })
  t.equal(status, 0, stdout + stderr)
})

t.test('an alert fires for what it is about, a first refusal included, and is silent otherwise', promtool, async (t) => {
  const file = join(t.testdir(), 'test.yml')
  /** The alerts that fire in the 30th minute of these series. */
  function firing (series: Record<string, string>): string[] {
    writeFileSync(file, stringify({
      rule_files: [pathOf('deploy/alerts.yml')],
      tests: [{
        interval: '1m',
        input_series: Object.entries(series).map(([name, values]) => {
          return { series: name.replace('{', '{instance="a",job="signalbox",'), values }
        }),
        alert_rule_test: alerts.map(({ alert: alertname }) => ({ alertname, eval_time: '30m', exp_alerts: [] }))
      }]
    }))
    const { stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' })
    return [...stderr.matchAll(/Labels:\{alertname="(\w+)"/g)].map(([, name = '']) => name).sort()
  }
  t.same(firing({
    'up{}': '1x40',
    'signalbox_ready{}': '1x40',
    'signalbox_leases_lost_total{}': '0x40',
    'signalbox_redis_round_trip_seconds{}': '0.001x40',
    'signalbox_closes_total{code="1001",by="client"}': '0+9x40',
    'signalbox_closes_total{code="4101",by="server"}': '0+1x40',
    'signalbox_refusals_total{reason="max_clients"}': '7x40',
    'signalbox_refusals_total{reason="connect_rate"}': '0+1x40'
  }), [])
  t.same(firing({
    'up{}': '0x40',
    'signalbox_ready{}': '0x40',
    'signalbox_leases_lost_total{}': '0x28 1x10',
    'signalbox_redis_round_trip_seconds{}': '0.2x40',
    'signalbox_closes_total{code="1001",by="client"}': '0+1x40',
    'signalbox_closes_total{code="4101",by="server"}': '0+9x40',
    'signalbox_refusals_total{reason="max_clients"}': '_x28 1x10',
    'signalbox_refusals_total{reason="connect_rate"}': '0+100x40'
  }), [
    'SignalboxDown', 'SignalboxFull', 'SignalboxLeaseLost', 'SignalboxNotReady', 'SignalboxRateRefusals', 'SignalboxRedisSlow',
    'SignalboxTimeouts'
  ])
})
