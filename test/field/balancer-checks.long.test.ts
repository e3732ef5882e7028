import { execFile, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { freePort } from '../../scripts/ports.js'
import { runProxy, temporary } from '../deploy/proxy-process.js'
import { until, urlOf } from '../helper.js'
import { start } from '../process.js'

const run = promisify(execFile)

t.test('HAProxy’s `option httpchk` as it comes keeps every listener UP', async (t) => {
  const [native, port, directory] = [await freePort(), await freePort(), temporary(t)]
  const main = await start(t, { NATIVE_PORTS: `tom:${native}`, ALLOWED_ORIGINS: 'https://example.com' })
  const config = join(directory, 'haproxy.cfg')
  writeFileSync(config, `
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
  timeout check 5s
frontend checked
  bind 127.0.0.1:${port}
  stats enable
  stats uri /stats
  default_backend signalbox
backend signalbox
  option httpchk
  default-server check inter 100ms fall 1 rise 1
  server main 127.0.0.1:${main.port}
  server native 127.0.0.1:${native}
`)
  await runProxy(t, 'haproxy', ['-db', '-f', config])
  const states = async () => (await (await fetch(`${urlOf(port)}/stats;csv`)).text())
    .split('\n').filter((line) => /^signalbox,(main|native),/.test(line)).map((line) => line.split(','))
  await until(async () => await states().then((rows) => rows.every((row) => row[36] === 'L7OK'), () => false))
  // Checked 20 times, one each 100 ms.
  await until(async () => (await states()).every((row) => row[17] !== 'UP' || Number(row[23]) >= 2))
  t.same((await states()).map((row) => [row[17], row[21]]), [['UP', '0'], ['UP', '0']], 'never down')
})

t.test('curl with --http2 gets the answers that it gets without', async (t) => {
  const native = await freePort()
  const { port } = await start(t, { NATIVE_PORTS: `tom:${native}` })
  for (const url of [`${urlOf(port)}/health`, `${urlOf(port)}/tom/id`, `${urlOf(native)}/health`]) {
    const { stdout } = await run('curl', ['-s', '--http2', '-o', '/dev/null', '--write-out', '%{http_code} %{http_version}', url])
    t.equal(stdout, '200 1.1')
  }
  const twice = await run('curl', ['--silent', '--http2', '--data', '{}', '-H', 'content-type: application/json',
    '--output', '/dev/null', '--write-out', '%{http_code} %{num_connects} ', `${urlOf(port)}/tom/id`,
    '--next', '--silent', '--http2', '--output', '/dev/null', '--write-out', '%{http_code} %{num_connects}', `${urlOf(port)}/health`])
  t.equal(twice.stdout, '404 1 200 0', 'over one connection, also behind a body')
})

const java = `
import java.net.URI;
import java.net.http.*;

public class Client {
  public static void main(String[] args) throws Exception {
    HttpClient client = HttpClient.newHttpClient();
    for (String url : args) {
      for (var body : new String[] { null, "{}" }) {
        var request = HttpRequest.newBuilder(URI.create(url)).header("content-type", "application/json");
        if (body != null) request.POST(HttpRequest.BodyPublishers.ofString(body));
        System.out.println(client.send(request.build(), HttpResponse.BodyHandlers.ofString()).statusCode());
      }
    }
    var uri = URI.create(args[0].replace("http", "ws").replace("health", "tom"));
    var socket = client.newWebSocketBuilder().buildAsync(uri, new WebSocket.Listener() {}).get();
    System.out.println(socket.isOutputClosed());
    System.exit(0);
  }
}
`

const skip = spawnSync('javac', ['-version']).error !== undefined && 'javac is not installed'

t.test('Java’s HttpClient, which offers HTTP/2 to every server, gets its answers, and its WebSocket', { skip }, async (t) => {
  const native = await freePort()
  const { port } = await start(t, { NATIVE_PORTS: `tom:${native}` })
  const file = join(temporary(t), 'Client.java')
  writeFileSync(file, java)
  const { stdout } = await run('java', [file, `${urlOf(port)}/health`, `${urlOf(native)}/health`])
  t.same(stdout.trim().split('\n'), ['200', '404', '200', '404', 'false'])
})
