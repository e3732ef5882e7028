import t from 'tap'
import { run } from '../process.js'

t.test('--help names the commands first', async (t) => {
  const { output, exited } = run(t, {}, ['--help'])
  t.equal(await exited, 0)
  t.match(output.stdout, /^Usage: signalbox \[--setting value\]\.\.\.\n {7}signalbox doctor \[URL\] .*\n {7}signalbox token --sub NAME /)
  t.ok(output.stdout.indexOf('signalbox token') < output.stdout.indexOf('--port'))
})

t.test('each command has a help of its own', async (t) => {
  for (const name of ['doctor', 'token']) {
    const { output, exited } = run(t, {}, [name, '--help'])
    t.equal(await exited, 0)
    t.ok(output.stdout.startsWith(`Usage: signalbox ${name} `), output.stdout)
    t.equal(output.stderr, '')
  }
})

t.test('an unknown command ends with one line that names the commands, and not what was given', async (t) => {
  for (const name of ['docter', 'hunter2', 'constructor']) {
    const { output, exited } = run(t, {}, [name])
    t.equal(await exited, 1)
    t.match(output.stderr, /^signalbox: unknown command [^\n]*doctor and token[^\n]*\n$/)
    t.notMatch(output.stderr, name)
    t.equal(output.stdout, '')
  }
})
