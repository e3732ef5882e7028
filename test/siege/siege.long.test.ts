import t from 'tap'
import { attacks } from '../../bench/siege/attacks/index.js'
import { scheduleOf } from '../../bench/siege/schedule.js'
import { siege } from '../../bench/siege/siege.js'
import { siegeTable } from '../../bench/siege/table.js'

t.test('the same seed attempts the same, another seed something else', async (t) => {
  t.same(scheduleOf(7, 30), scheduleOf(7, 30))
  t.not(JSON.stringify(scheduleOf(7, 30)), JSON.stringify(scheduleOf(8, 30)))
  t.same(new Set(scheduleOf(7, 30).map(({ attack }) => attack.name)), new Set(attacks.map(({ name }) => name)))
})

// `npm run siege` does the same with 2 000 pairs and a minute more.
t.test('500 honest pairs lose nothing while others attack, and the server holds', { timeout: 120_000 }, async (t) => {
  const report = await siege({ seed: 4, seconds: 16, pairs: 500, log: (line) => t.comment(line) })
  t.comment(siegeTable(report))
  t.same(report.failures, [])
  t.equal(report.siege.delivered, report.siege.sent)
  t.ok(report.siege.sent > 16 * 500 * 0.9, 'all pairs have signalled')
  t.ok(report.rss.peak <= report.rss.bound)
  for (const { name } of attacks) t.ok(Object.keys(report.outcomes[name] ?? {}).length > 0, name)
  for (const [name, end] of [
    ['frame beyond MAX_PAYLOAD', 'closed with 1009'],
    ['invalid UTF-8', 'closed with 1007'],
    ['bad token', 'closed with 1008'],
    ['flood without a token', 'closed with 1008'],
    ['many sockets of one address', 'closed with 1013'],
    ['guess of a room id', 'Too many attempts']
  ] as const) t.ok((report.outcomes[name]?.[end] ?? 0) > 0, `${name}: ${end}`)
})
