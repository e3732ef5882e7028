import fc from 'fast-check'
import t from 'tap'
import { countMembers } from '../../src/frame/parse.js'

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
