import fc from 'fast-check'
import t from 'tap'
import { countMembers, valuesOf } from '../../src/frame/parse.js'

const count = (text: string) => countMembers(Buffer.from(text))

t.test('the members of an object are counted as JSON.parse finds them', async () => {
  const members = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 3 }), { minKeys: 1 })
  fc.assert(fc.property(members, fc.constantFrom(0, 1, 2), (value, space) => {
    const frame = { ...value }
    return count(JSON.stringify(frame, null, space)) === Object.keys(frame).length
  }), { numRuns: 2000 })
})

t.test('a name that stands twice counts twice, however it is written', async (t) => {
  t.equal(count('{"a":1,"b":2,"a":3}'), 3)
  t.equal(count('{"a":1,"\\u0061":2}'), 2)
  t.equal(count('{"a":{"b":1,"c":[1,2,3]},"d":"e,f"}'), 2)
})

t.test('the end of a string is found behind any number of escapes, near and far', async (t) => {
  for (let length = 0; length < 150; length++) {
    for (const filler of ['x', '\\\\', '\\"', '\\\\\\"']) {
      t.equal(count(`{"a":"${filler.repeat(length)}","b":","}`), 2, `${filler} ${length} times`)
    }
    t.equal(count(`{"a":"${'x'.repeat(length)}\\\\\\"${'y'.repeat(length)},","b":1}`), 2)
  }
})

t.test('what is nested too deeply, or holds too much, is told before it is parsed', async (t) => {
  t.equal(count('['.repeat(65)), -1)
  t.equal(count(`[${'0,'.repeat(4097)}0]`), -1)
  t.not(count(`["${','.repeat(10_000)}"]`), -1)
})

t.test('text that is no JSON is counted to its end', async () => {
  const text = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.string().map((text) => Buffer.from(`"${text}`)))
  fc.assert(fc.property(text, (bytes) => Number.isInteger(countMembers(Buffer.from(bytes)))))
})

t.test('the values of a name at a depth are whole values, in their order', async (t) => {
  const textsIn = (text: string, name = 'a', depth = 1) => {
    const bytes = Buffer.from(text)
    return valuesOf(bytes, name, depth).map(([from, to]) => bytes.toString('utf8', from, to))
  }
  t.same(textsIn('{"a":1}'), ['1'])
  t.same(textsIn('{"b":"a","a":{"a":[1,{"a":2}]},"c":{"a":3},"a":"}\\",\\"a\\":1"}'), ['{"a":[1,{"a":2}]}', '"}\\",\\"a\\":1"'])
  t.same(textsIn('{"x":[{"a":1,"b":2},{"b":"a"},{"a":[]}],"y":[["a"]]}', 'a', 3), ['1', '[]'])
  t.same(textsIn('["a","a"]'), [], 'a value is no name')
  t.same(textsIn('{"\\u0061":1,"a" :2}'), [], 'and what is written in another way is passed over')
  t.same(textsIn('{"ü\\"":"é"}', 'ü"'), ['"é"'])
})

t.test('what is spliced of any frame is JSON, and what was parsed if there is as much of it', async (t) => {
  const element = fc.oneof(fc.record({ a: fc.jsonValue() }), fc.record({ b: fc.jsonValue(), a: fc.jsonValue() }), fc.jsonValue())
  fc.assert(fc.property(fc.array(element), fc.jsonValue(), (list, other) => {
    const bytes = Buffer.from(JSON.stringify({ other, list }))
    const values = valuesOf(bytes, 'a', 3).map(([from, to]) => JSON.parse(bytes.toString('utf8', from, to)) as unknown)
    const ofList = valuesOf(Buffer.from(JSON.stringify({ list })), 'a', 3)
    const expected = JSON.parse(JSON.stringify(list)).filter((one: unknown) => Object.hasOwn(Object(one), 'a') && !Array.isArray(one))
    t.same(values.slice(values.length - ofList.length), expected.map(({ a }: { a: unknown }) => a))
  }), { numRuns: 300 })
})
