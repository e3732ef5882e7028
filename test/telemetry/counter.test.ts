import t from 'tap'
import { LabelCounter } from '../../src/telemetry/counter.js'

t.test('a counter counts by name', async (t) => {
  const counter = new LabelCounter()
  for (const name of ['offer', 'answer', 'offer']) counter.inc(name)
  t.equal(counter.get('offer'), 2)
  t.equal(counter.get('answer'), 1)
  t.equal(counter.get('candidate'), 0)
  t.same([...counter], [['offer', 2], ['answer', 1]])
})

t.test('names beyond the first 64 count as other, and those before go on under their own', async (t) => {
  const counter = new LabelCounter()
  for (let name = 0; name < 64; name++) counter.inc(`name${name}`)
  for (let name = 64; name < 1000; name++) counter.inc(`name${name}`)
  counter.inc('name63')
  t.equal([...counter].length, 65)
  t.equal(counter.get('name63'), 2)
  t.equal(counter.get('name64'), 0)
  t.equal(counter.get('other'), 936)
})
