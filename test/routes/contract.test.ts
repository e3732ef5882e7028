import t from 'tap'
import { surviveContract } from '../../src/testing/contract.js'
import type { Runner } from '../../src/testing/runner.js'
import { build } from '../helper.js'
import { subjects } from './dialects.js'

// Most of the time goes into waiting for the server's own timeouts.
t.jobs = subjects.length

/** Only buffered tests of tap run at the same time. */
const parallel: Runner = { test: (title, body) => t.test(title, { buffered: true }, body) }

for (const subject of subjects) surviveContract(parallel, { ...subject, build })
