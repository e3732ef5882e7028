import t, { type Test } from 'tap'
import { check, type Rule } from './checker.js'
import { describe } from './chaos.js'
import type { Entry, FaultKind, Happening } from './history.js'
import { deedKinds, deedsOf, faultsOf } from './schedule.js'

const bounds = { graceMs: 5_000, leaseMs: 2_000 }
/** When everything has settled, and when everybody goes. In ms. */
const [quietAt, overAt] = [60_000, 65_000]

type At = readonly [at: number, happening: Happening]

/** A connection, from its welcome on. */
function connection (conn: number, id: string, at: number, { dialect = 'tom', from = '127.0.0.1', node = 0 } = {}): At[] {
  return [
    [at, { kind: 'dials', conn, id, dialect, place: '', from, node }],
    [at + 10, { kind: 'opens', conn }],
    [at + 20, { kind: 'welcomed', conn }]
  ]
}

const ends = (conn: number, at: number, code: number): At => [at, { kind: 'ends', conn, code }]
const sends = (conn: number, to: string, number: number, at: number): At => [at, { kind: 'sends', conn, to, number }]
const hears = (conn: number, from: string, number: number, at: number): At => [at, { kind: 'hears', conn, from, number }]
const news = (conn: number, kind: 'joined' | 'left', about: string, at: number): At => [at, { kind, conn, about }]
const lists = (conn: number, ids: string[], at: number): At => [at, { kind: 'lists', conn, ids }]
const refused = (conn: number, about: string | undefined, at: number): At => [at, { kind: 'refused', conn, about, text: 'peer not found' }]
const fault = (fault: FaultKind, at: number, ms: number, node = 0): At[] => [
  [at, { kind: 'fault', fault, node }], [at + ms, { kind: 'healed', fault, node }]
]

/** Two who are there from the first to the last, `a` on connection 1 and `b` on 2, and what else happens. */
function history (...more: Array<At | At[]>): Entry[] {
  const all: At[] = [
    ...connection(1, 'a', 0), lists(1, ['a'], 30),
    ...connection(2, 'b', 100, { node: 1 }), news(1, 'joined', 'b', 110), lists(2, ['a', 'b'], 130),
    ...more.flatMap((one) => Array.isArray(one[0]) ? one as At[] : [one as At]),
    [quietAt, { kind: 'quiet' }],
    [overAt, { kind: 'over' }], ends(1, overAt + 10, 1000), ends(2, overAt + 10, 1006)
  ]
  return all.map(([at, happening]) => ({ at, ...happening })).sort((one, other) => one.at - other.at)
}

/** `c`, who comes at a time and is there to the last. */
const third = (at: number, conn = 3): At[] => [
  ...connection(conn, 'c', at, { node: 2 }), lists(conn, ['a', 'b', 'c'], at + 30), ends(conn, overAt + 20, 1000)
]
const bothHear = (kind: 'joined' | 'left', at: number): At[] => [news(1, kind, 'c', at), news(2, kind, 'c', at + 5)]

function allows (t: Test, title: string, ...more: Array<At | At[]>): void {
  const { violations } = check(history(...more), bounds)
  t.equal(describe(violations), '', title)
}

/** The history breaks this rule, and no other; the evidence holds whatever else happened at these times. */
function finds (t: Test, rule: Rule, shownBy: number[], ...more: Array<At | At[]>): void {
  const { violations } = check(history(...more), bounds)
  t.same([...new Set(violations.map(({ rule }) => rule))], [rule], describe(violations))
  for (const at of shownBy) t.ok(violations[0]?.evidence.some((entry) => entry.at === at), `${rule}: what happened at ${at} is shown`)
}

t.test('a history without fault is one', async (t) => {
  allows(t, 'nothing happens')
  allows(t, 'signals arrive', sends(1, 'b', 0, 1_000), hears(2, 'a', 0, 1_010), sends(1, 'b', 1, 1_020), hears(2, 'a', 1, 1_030))
  allows(t, 'one comes', third(5_000), bothHear('joined', 5_020))
  allows(t, 'one breaks, comes back, and gets what was kept',
    connection(3, 'c', 5_000), lists(3, ['a', 'b', 'c'], 5_030), bothHear('joined', 5_020), ends(3, 9_000, 1006),
    sends(1, 'c', 0, 10_500), third(12_000, 4), hears(4, 'a', 0, 12_030))
  allows(t, 'one goes with a goodbye, and what is sent to it is answered',
    connection(3, 'c', 5_000), lists(3, ['a', 'b', 'c'], 5_030), bothHear('joined', 5_020),
    [9_000, { kind: 'closes', conn: 3 }], ends(3, 9_010, 1000), bothHear('left', 9_020),
    sends(1, 'c', 0, 9_500), refused(1, undefined, 9_510),
    third(12_000, 4), bothHear('joined', 12_020))
  allows(t, 'one breaks, and does not come back in time',
    connection(3, 'c', 5_000), lists(3, ['a', 'b', 'c'], 5_030), bothHear('joined', 5_020), ends(3, 9_000, 1006),
    sends(1, 'c', 0, 10_500), bothHear('left', 14_020), refused(1, 'c', 14_020), third(20_000, 4), bothHear('joined', 20_020))
})

t.test('what a fault may lose is no violation, and the same without the fault is', async (t) => {
  const inHands = sends(1, 'b', 0, 9_900)
  allows(t, 'in the hands of Redis', fault('redis ends', 10_000, 2_000), inHands)
  finds(t, 'a signal is delivered, kept or answered', [9_900], inHands)
  const cutOff = [
    ...connection(3, 'c', 5_000, { node: 2 }), lists(3, ['a', 'b', 'c'], 5_030), ...bothHear('joined', 5_020), ends(3, 9_000, 1006),
    sends(1, 'c', 0, 10_200), ...third(10_500, 4)
  ]
  allows(t, 'written by a node that stood still to who was cut off meanwhile', fault('stop', 8_500, 2_500, 2), cutOff)
  finds(t, 'a signal is delivered, kept or answered', [10_200], cutOff)
  finds(t, 'a signal is delivered, kept or answered', [10_200], fault('stop', 8_500, 2_500, 1), cutOff)
  const outOfOrder = [
    sends(1, 'c', 0, 9_000), hears(4, 'a', 0, 16_000), sends(1, 'c', 1, 11_500), hears(4, 'a', 1, 11_510)
  ]
  const returned = [
    ...connection(3, 'c', 5_000), lists(3, ['a', 'b', 'c'], 5_030), ...bothHear('joined', 5_020), ends(3, 8_000, 1006), ...third(11_000, 4)
  ]
  allows(t, 'kept by Redis, and there again after what its node had', fault('redis stops', 10_000, 5_000), returned, ...outOfOrder)
  finds(t, 'signals come in order', [9_000, 16_000], returned, ...outOfOrder)
  const broken = [...connection(4, 'd', 5_000, { dialect: 'drone' }), ends(4, 10_300, 1006)]
  const back = [...connection(6, 'd', 11_000, { dialect: 'drone' }), ends(6, overAt + 30, 1000)]
  allows(t, 'written to who broke', broken, sends(1, 'd', 0, 10_000), back)
  finds(t, 'a signal is delivered, kept or answered', [7_000, 10_300], broken, sends(1, 'd', 0, 7_000), back)
})

t.test('every kind of violation is found', async (t) => {
  finds(t, 'a signal comes once', [1_000, 1_010, 1_020], sends(1, 'b', 0, 1_000), hears(2, 'a', 0, 1_010), hears(2, 'a', 0, 1_020))
  finds(t, 'a signal comes once', [1_010], hears(2, 'a', 0, 1_010))
  finds(t, 'signals come in order', [1_000, 1_001, 1_010, 1_020],
    sends(1, 'b', 0, 1_000), sends(1, 'b', 1, 1_001), hears(2, 'a', 1, 1_010), hears(2, 'a', 0, 1_020))
  finds(t, 'a signal is delivered, kept or answered', [1_000], sends(1, 'b', 0, 1_000))
  finds(t, 'a signal is delivered, kept or answered', [1_000], refused(1, undefined, 900), sends(1, 'b', 0, 1_000))
  finds(t, 'an error is true', [1_000, 1_020], sends(1, 'b', 0, 1_000), hears(2, 'a', 0, 1_010), refused(1, 'b', 1_020))
  finds(t, 'an id has one owner', [13_000],
    connection(3, 'b', 10_000), ends(3, 20_000, 1000), sends(1, 'b', 0, 12_999), hears(2, 'a', 0, 13_000))
  allows(t, 'read at its end by who had stopped reading', connection(3, 'b', 10_000), ends(3, 20_000, 1000),
    [9_000, { kind: 'stops reading', conn: 2 }], sends(1, 'b', 0, 8_990), hears(2, 'a', 0, 13_000))
  finds(t, 'an id has one owner', [10_000], connection(3, 'b', 10_000), lists(3, ['a', 'b'], 10_030))
  finds(t, 'the newest connection stays', [9_000], connection(3, 'c', 5_000), lists(3, ['a', 'b', 'c'], 5_030),
    bothHear('joined', 5_020), ends(3, 9_000, 4000), third(9_500, 4))
  const gone: At[] = [
    ...connection(3, 'c', 5_000), lists(3, ['a', 'b', 'c'], 5_030), ...bothHear('joined', 5_020), [9_000, { kind: 'closes', conn: 3 }],
    ends(3, 9_010, 1000), ...bothHear('left', 9_020)
  ]
  const again: At[] = [...third(30_000, 4), ...bothHear('joined', 30_020)]
  allows(t, 'one goes and comes back', gone, again)
  finds(t, 'a leave is told once', [9_020, 9_100], gone, news(1, 'left', 'c', 9_100), again)
  finds(t, 'who has not left is not told of', [9_000],
    third(5_000), bothHear('joined', 5_020), news(1, 'left', 'c', 9_000), news(1, 'joined', 'c', 9_010))
  const comes: At[] = [...connection(3, 'c', 5_000), lists(3, ['a', 'b', 'c'], 5_030), ...bothHear('joined', 5_020)]
  finds(t, 'who has not left is not told of', [9_500], comes,
    ends(3, 9_000, 1006), bothHear('left', 9_500), third(10_000, 4), bothHear('joined', 10_020))
  finds(t, 'a return is not told', [9_000, 10_020], comes,
    ends(3, 9_000, 1006), third(10_000, 4), news(2, 'joined', 'c', 10_020))
  finds(t, 'the last list is complete', [64_000], lists(1, ['a'], 64_000))
  finds(t, 'the last list is complete', [64_000], lists(1, ['a', 'b', 'ghost'], 64_000))
  finds(t, 'the last list is complete', [64_000], lists(1, ['a', 'b', 'b'], 64_000))
  finds(t, 'the last list is complete', [64_000], [64_000, { kind: 'shows', node: 2, dialect: 'tom', ids: ['b'] }])
  finds(t, 'the last list is complete', [5_000], third(5_000), news(1, 'joined', 'c', 5_020))
  finds(t, 'everybody is back', [64_000], connection(3, 'c', 63_500, { dialect: 'drone' }), ends(3, 64_000, 1006))
  finds(t, 'a node is ready soon', [20_000], [20_000, { kind: 'ready', node: 1, ms: 11_000 }])
  finds(t, 'a node is ready soon', [20_000], [20_000, { kind: 'ready', node: 1, ms: undefined }])
  finds(t, 'nothing is left', [70_000], [70_000, { kind: 'remains', what: '{sb:0}:members:tom' }])
})

t.test('the same seed has the same faults and deeds, another seed others', async (t) => {
  t.same(faultsOf(7, 120_000, false), faultsOf(7, 120_000, false))
  t.not(JSON.stringify(faultsOf(7, 120_000, false)), JSON.stringify(faultsOf(8, 120_000, false)))
  t.same(deedsOf(7, 3, 60_000, false), deedsOf(7, 3, 60_000, false))
  t.not(JSON.stringify(deedsOf(7, 3, 60_000, false)), JSON.stringify(deedsOf(7, 4, 60_000, false)))
  t.equal(new Set(faultsOf(7, 300_000, false).map(({ kind }) => kind)).size, 11, 'all faults have their turn')
  t.same(new Set(deedsOf(7, 3, 600_000, false).map(({ kind }) => kind)), new Set(deedKinds))
})
