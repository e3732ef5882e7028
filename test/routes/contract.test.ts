import t from 'tap'
import { surviveContract } from './contract.js'
import { subjects } from './dialects.js'

// Most of the time goes into waiting for the server's own timeouts.
t.jobs = subjects.length

for (const subject of subjects) {
  t.test(`${subject.name} survives what every dialect must survive`, { buffered: true }, async (t) => surviveContract(t, subject))
}
