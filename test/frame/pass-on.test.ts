import t from 'tap'
import { countMembers, type JsonObject, type Received } from '../../src/frame/parse.js'
import { passedOn, type PassOn } from '../../src/frame/pass-on.js'

function received (json: string): [Received, JsonObject] {
  const bytes = Buffer.from(json)
  return [{ bytes, memberCount: countMembers(bytes) }, JSON.parse(json) as JsonObject]
}

/** The text of the frame that is passed on; undefined when it must be composed anew. */
const passed = (json: string, how: Omit<PassOn, 'type'>): string | undefined => {
  const frame = passedOn(...received(json), { type: 'signal', ...how })
  t.equal(frame?.type ?? 'signal', 'signal')
  return frame === undefined ? undefined : String(frame.payload)
}

/** What stands behind the first members. */
const rest = (json: string, ...first: string[]): string | undefined => passed(json, { first, head: '', tail: '}' })

t.test('bytes that begin with exactly the members that were checked are passed on from there', async (t) => {
  t.equal(rest('{"type":"signal","payload":1}', 'type', 'signal'), ',"payload":1}')
  t.equal(rest('{"type":"signal","payload":1}', 'type', 'signal', 'payload'), '1}')
  t.equal(rest('{"type": "signal", "payload": 1}', 'type', 'signal', 'payload'), '1}', 'with the spaces of Python')
  t.equal(rest('{"type":"a\\"b","to":"ü"}', 'type', 'a"b', 'to', 'ü'), '}', 'escaped as JSON.stringify does it')
})

t.test('bytes that some parser may read otherwise are composed anew', async (t) => {
  for (const json of [
    '{"type":"signal","type":"signal","payload":1}',
    '{"type":"signal","payload":1,"payload":2}',
    '{"payload":1,"type":"signal"}',
    ' {"type":"signal","payload":1}',
    '{ "type":"signal","payload":1}',
    '{"type" :"signal","payload":1}',
    '{"type":  "signal","payload":1}',
    '{"type":"signa\\u006c","payload":1}',
    '{"typ\\u0065":"signal","payload":1}',
    '{"type":"signals","payload":1}'
  ]) t.equal(rest(json, 'type', 'signal', 'payload'), undefined, json)
  t.equal(rest('{"type":"a\\u0022b"}', 'type', 'a"b'), undefined, 'escaped in another way')
})

t.test('the last member is found if it is exactly the one that is asked for', async (t) => {
  const before = (json: string, name: string, value: string) =>
    passed(json, { first: [], head: '', last: [name, value], tail: '' })
  t.equal(before('{"a":1,"dst":"bob"}', 'dst', 'bob'), '{"a":1')
  t.equal(before('{"a":1, "dst": "bob"}', 'dst', 'bob'), '{"a":1')
  t.equal(before('{"a":1,"dst":"b\\"b"}', 'dst', 'b"b'), '{"a":1')
  for (const json of [
    '{"dst":"bob"}',
    '{"a":1,"dst":"bob" }',
    '{"dst":"bob","a":1}',
    '{"a":1,"xdst":"bob"}',
    '{"a":1,"dst":"xbob"}',
    '{"a":1,"dst":"bab"}',
    '{"a":1,"dst":"bob"} '
  ]) {
    t.equal(before(json, 'dst', 'bob'), undefined, json)
  }
})

t.test('members are put behind those of an object that ends with its brace', async (t) => {
  t.equal(passed('{"type":"a"}', { first: ['type', 'a'], tail: ',"b":2}' }), '{"type":"a","b":2}')
  t.equal(passed('{"type":"a"} ', { first: ['type', 'a'], tail: ',"b":2}' }), undefined)
})

t.test('a frame with more or fewer members than it may have is composed anew', async (t) => {
  t.equal(passed('{"type":"a","b":1}', { first: ['type', 'a'], members: 2 }), '{"type":"a","b":1}')
  t.equal(passed('{"type":"a","b":1}', { first: ['type', 'a'], members: 1 }), undefined)
  t.equal(passed('{"type":"a","b":1}', { first: ['type', 'a'], members: 3 }), undefined)
})

t.test('a frame is passed on whole where nothing is written around it', async (t) => {
  t.equal(passed('{"type":"a","b":{"c":[1, 2]}}', { first: ['type', 'a'] }), '{"type":"a","b":{"c":[1, 2]}}')
})
