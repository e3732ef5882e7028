import t from 'tap'
import { countMembers, type JsonObject, type Received } from '../../src/frame/parse.js'
import { endOf, lastMember, restOf, stamped } from '../../src/frame/pass-on.js'

function received (json: string): [Received, JsonObject] {
  const bytes = Buffer.from(json)
  return [{ bytes, memberCount: countMembers(bytes) }, JSON.parse(json) as JsonObject]
}

const rest = (json: string, ...first: string[]): string | undefined => {
  const at = restOf(...received(json), first)
  return at === -1 ? undefined : Buffer.from(json).subarray(at).toString()
}

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
  const before = (json: string, name: string, value: string) => {
    const at = lastMember(Buffer.from(json), name, value)
    return at === -1 ? undefined : json.slice(0, at)
  }
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
    '{"a":1,"dst":"bob"} ',
    '"bob"'
  ]) {
    t.equal(before(json, 'dst', 'bob'), undefined, json)
  }
})

t.test('members are put behind those of an object that ends with its brace', async (t) => {
  t.equal(String(stamped('a', Buffer.from('{"type":"a"}'), ',"b":2}')?.payload), '{"type":"a","b":2}')
  t.equal(stamped('a', Buffer.from('{"type":"a"}'), ',"b":2}')?.type, 'a')
  t.equal(stamped('a', Buffer.from('{"type":"a"} '), ',"b":2}'), undefined)
  t.equal(endOf(Buffer.from('{}')), 1)
  t.equal(endOf(Buffer.from('{} ')), -1)
})
