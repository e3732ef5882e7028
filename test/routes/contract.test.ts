import t from 'tap'
import type { DialectDescription } from '../../routes/dialect.js'
import * as dialects from '../../src/dialects.js'
import { surviveContract } from '../../src/testing/contract.js'
import type { Runner } from '../../src/testing/runner.js'
import { build } from '../helper.js'
import { builtIn, further, optional, subjects } from './dialects.js'

// Most of the time goes into waiting for the server's own timeouts.
const all = [...subjects, ...further]
t.jobs = all.length

/** Their tests are in the folder of their routes. */
const withoutSockets = ['whep', 'whip']

/** Only buffered tests of tap run at the same time. */
const parallel: Runner = { test: (title, body) => t.test(title, { buffered: true }, body) }

t.test('no built-in dialect is left out', async (t) => {
  const names = (subjects: ReadonlyArray<{ name: string }>) => subjects.map(({ name }) => name).sort()
  const described = Object.values<DialectDescription>(dialects)
  t.same(names(builtIn), names(described.filter(({ isOptional = false }) => !isOptional)))
  t.same([...names(optional), ...withoutSockets], names(described.filter(({ isOptional = false }) => isOptional)))
})

for (const subject of all) surviveContract(parallel, { ...subject, build })
