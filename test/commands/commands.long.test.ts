import t from 'tap'
import { run } from '../process.js'

t.test('--help names the commands first', async (t) => {
  const { output, exited } = run(t, {}, ['--help'])
  t.equal(await exited, 0)
  const [, ...commands] = output.stdout.split('\n\n')[0]?.split('\n') ?? []
  t.match(output.stdout, /^Usage: signalbox \[--setting value\]\.\.\.\n/)
  t.match(commands, [/^ {7}signalbox doctor \[URL\] /, /^ {7}signalbox token --sub NAME /, /^ {7}signalbox top URL /])
  t.ok(output.stdout.indexOf('signalbox token') < output.stdout.indexOf('--port'))
})

t.test('each command has a help of its own', async (t) => {
  for (const name of ['doctor', 'token', 'top']) {
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
    t.match(output.stderr, /^signalbox: unknown command [^\n]*doctor, token, and top[^\n]*\n$/)
    t.notMatch(output.stderr, name)
    t.equal(output.stdout, '')
  }
})
