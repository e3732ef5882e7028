import t from 'tap'
import { countMembers, type JsonObject } from '../../src/frame/parse.js'
import { memberPassedOn, passedOn, type PlainForm } from '../../src/frame/pass-on.js'

type Around = PlainForm & { tail?: string, head?: string }

/** The text of the frame that is passed on; undefined when it must be composed anew. `checked` overrides what the bytes say. */
function passed (json: string, { tail, head, ...form }: Around, checked: JsonObject = {}): string | undefined {
  const bytes = Buffer.from(json)
  const parsed = JSON.parse(json) as JsonObject
  const unnamed = Object.keys(checked).filter((name) => !Object.hasOwn(parsed, name))
  const received = { bytes, memberCount: countMembers(bytes) + unnamed.length }
  const typed = { type: 'signal', ...parsed, ...checked }
  const frame = passedOn(received, typed, form, tail, head)
  t.equal(frame?.type ?? typed.type, typed.type)
  return frame === undefined ? undefined : String(frame.payload)
}

/** The bytes after the first members. */
const rest = (json: string, type: string, next?: string): string | undefined =>
  passed(json, { first: ['type'], ...(next !== undefined && { next }), head: '', tail: '}' }, { type })

t.test('bytes that begin with exactly the members that were checked are passed on from there', async (t) => {
  t.equal(rest('{"type":"signal","payload":1}', 'signal'), ',"payload":1}')
  t.equal(rest('{"type":"signal","payload":1}', 'signal', 'payload'), '1}')
  t.equal(rest('{"type": "signal", "payload": 1}', 'signal', 'payload'), '1}', 'with the spaces of Python')
  t.equal(passed('{"type":"a\\"b","to":"ü"}', { first: ['type', 'to'], head: '', tail: '}' }), '}', 'escaped as JSON.stringify does it')
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
  ]) t.equal(rest(json, 'signal', 'payload'), undefined, json)
  t.equal(rest('{"type":"a\\u0022b"}', 'a"b'), undefined, 'escaped in another way')
})

t.test('the last member is found if it is exactly the one that is asked for', async (t) => {
  const before = (json: string, name: string, value: string) =>
    passed(json, { first: [], head: '', last: name, tail: '' }, { type: 'signal', [name]: value })
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
  t.equal(passed('{"type":"a"}', { first: ['type'], tail: ',"b":2}' }), '{"type":"a","b":2}')
  t.equal(passed('{"type":"a"} ', { first: ['type'], tail: ',"b":2}' }), undefined)
})

t.test('a frame with more or fewer members than it may have is composed anew', async (t) => {
  t.equal(passed('{"type":"a","b":1}', { first: ['type'], members: 2 }), '{"type":"a","b":1}')
  t.equal(passed('{"type":"a","b":1}', { first: ['type'], members: 1 }), undefined)
  t.equal(passed('{"type":"a","b":1}', { first: ['type'], members: 3 }), undefined)
})

t.test('a frame is passed on whole where nothing is written around it', async (t) => {
  t.equal(passed('{"type":"a","b":{"c":[1, 2]}}', { first: ['type'] }), '{"type":"a","b":{"c":[1, 2]}}')
})

/** What is passed on of the member `payload` alone; undefined when it must be composed anew. */
function payloadOf (json: string): string | undefined {
  const bytes = Buffer.from(json)
  const received = { bytes, memberCount: countMembers(bytes) }
  const frame = memberPassedOn(received, JSON.parse(json) as JsonObject & { type: string }, 'payload', '<', '>')
  return frame === undefined ? undefined : String(frame.payload)
}

t.test('the bytes of one member are passed on alone, wherever it stands among texts, numbers and the like', async (t) => {
  const payload = '{"a": 1.0, "b":[1,2]}'
  for (const json of [
    `{"type":"signal","payload":${payload}}`,
    `{"type":"signal","roomId":"1234","payload":${payload}}`,
    `{"type":"signal","payload":${payload},"targetId":"x","roomId":1234}`,
    `{"roomId": -1.5, "type": "signal", "payload": ${payload}, "ok": true, "no": null}`,
    `{"payload":${payload},"type":"signal","name":"zoë \\" 😀"}`,
    `{"näme":false,"type":"signal","payload":${payload},"":""}`
  ]) t.equal(payloadOf(json), `<${payload}>`, json)
  t.equal(payloadOf('{"type":"signal","payload":"\\u0061","payload2":1}'), '<"\\u0061">', 'not written anew')
})

t.test('a member that is not surely what was checked is not passed on alone', async (t) => {
  for (const json of [
    '{"type":"signal","payload":1,"payload":2}',
    '{"type":"signal","roomId":"1","roomId":"1","payload":2}',
    '{"type":"signal","payload":1,"more":{}}',
    '{"type":"signal","more":[],"payload":1}',
    '{"type":"signal","payl\\u006fad":1}',
    '{"type":"signal","payload":1,"roomId":1.0}',
    '{"type":"signal","roomId":"\\u0031","payload":1}',
    '{"type":"signal","payload":1,"roomId":"\\u0031"}',
    '{"type":"signal","b":1,"7":1,"payload":1}',
    '{ "type":"signal","payload":1}',
    '{"type":"signal","payload":1}\n',
    '{"type":"signal"}'
  ]) t.equal(payloadOf(json), undefined, json)
})
