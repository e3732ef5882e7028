import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { freePort } from '../../scripts/ports.js'
import { clients as dialects } from '../../src/testing/clients.js'
import type { ClientDialect, Frame } from '../../src/testing/dialect.js'
import { dial, isNews } from '../dialing.js'
import { type Env, refusal, until, urlOf } from '../helper.js'
import { run, type Running } from '../process.js'
import { startRedis } from '../redis.js'
import { adapted, runProxy, temporary } from './proxy-process.js'

/** How many clients of each dialect. Members of rooms have no id to come back with: they open a room anew. */
const crowd: ReadonlyArray<[dialect: ClientDialect, count: number]> = [
  [dialects.tom, 1_000], [dialects.peerjs, 200], [dialects.drone, 200], [dialects.psync, 100], [dialects.rooms, 100]
]
const timeout = 400_000
/** A client waits for up to so long before it connects again. In ms. */
const backOffMs = 500
/** A client is back so long after its close, at the latest. In ms. */
const patienceMs = 5_000
/** Between two signals of one client. In ms. */
const signalEveryMs = 3_000
/** A signal that a killed node had in its hands was sent so shortly before. In ms. */
const handMs = 1_000
const settings: Env = {
  RESUME_GRACE_MS: '15000',
  DRAIN_MS: '2000',
  NODE_LEASE_MS: '2000',
  PSYNC_PEER_LEFT: 'true',
  DRONE_LIST_UPDATES: 'true',
  TRUST_PROXY: '127.0.0.1',
  CONNECT_RATE: '1000000',
  // This process and three nodes share two cores.
  MAX_EVENT_LOOP_DELAY: '60000',
  PEERJS_CONCURRENT_LIMIT: '50000'
}

interface Sent {
  readonly number: number
  readonly at: number
}

/** A client that comes back whenever it is cut off, signals to one other, and writes down what it hears. */
class Wanderer {
  readonly dialect: ClientDialect
  readonly id: string
  readonly sent: Sent[] = []
  /** Numbers of the signals that have come, by sender. */
  readonly heard = new Map<string, number[]>()
  /** What it was told of others who come or go. */
  readonly news: Frame[] = []
  readonly errors: Frame[] = []
  /** How long it took to be back, each time. In ms. */
  readonly absences: number[] = []
  /** When it was cut off without a word, in ms. */
  readonly cuts: number[] = []
  isBack = false
  #socket: WebSocket | undefined
  readonly #port: number
  #isOver = false
  #takesNews = false

  constructor (port: number, dialect: ClientDialect, id: string) {
    this.#port = port
    this.dialect = dialect
    this.id = id
  }

  connect (goneAt = performance.now(), isFirst = true): void {
    this.#socket = dial(`ws://127.0.0.1:${this.#port}/signal`, this.dialect, this.id, {
      welcomed: () => {
        this.isBack = true
        if (!isFirst) this.absences.push(performance.now() - goneAt)
      },
      signal: (from, load) => {
        const numbers = this.heard.get(from) ?? []
        this.heard.set(from, numbers)
        numbers.push(Number(load))
      },
      refused: (frame) => this.errors.push(frame),
      told: (frame) => { if (this.#takesNews && isNews(frame)) this.news.push(frame) },
      closed: (code) => {
        const now = performance.now()
        const since = this.isBack ? now : goneAt
        if (this.isBack && code === 1006) this.cuts.push(now)
        this.isBack = false
        if (!this.#isOver) setTimeout(() => this.connect(since, isFirst && since === goneAt), Math.random() * backOffMs)
      }
    })
  }

  /** From now on nobody should come or go. */
  listen (): void {
    this.#takesNews = true
  }

  signal (to: string): void {
    if (!this.isBack || this.#socket?.readyState !== WebSocket.OPEN) return
    const number = this.sent.length
    this.sent.push({ number, at: performance.now() })
    this.#socket.send(JSON.stringify(this.dialect.candidate(this.id, to, `${number}`)))
  }

  end (): void {
    this.#isOver = true
    this.#socket?.terminate()
  }
}

interface Deployment {
  readonly port: number
  readonly nodes: Array<Running & { readonly port: number }>
  restart: (at: number, signal: 'SIGTERM' | 'SIGKILL') => Promise<void>
}

/** Three nodes on one Redis behind HAProxy, with `deploy/haproxy.cfg` but for TLS and its own limits. */
async function deploy (t: Test): Promise<Deployment> {
  const { url } = await startRedis(t)
  const [port, ...ports] = [await freePort(), await freePort(), await freePort(), await freePort()]
  const env = (port: number): Env => ({ ...settings, REDIS_URL: url, HOST: '127.0.0.1', PORT: String(port), LOG_LEVEL: 'warn' })
  const nodes = ports.map((port) => ({ ...run(t, env(port)), port }))
  for (const { port } of nodes) await ready(port)
  const directory = temporary(t)
  const config = join(directory, 'haproxy.cfg')
  writeFileSync(config, adapted('haproxy.cfg', [
    ['  user haproxy\n  group haproxy\n', ''],
    ['maxconn 60000', 'maxconn 8000'],
    ['bind :443 ssl crt /etc/haproxy/example.com.pem', `bind 127.0.0.1:${port}`],
    ['  server node1 127.0.0.1:8080\n', ports.map((node) => `  server node${node} 127.0.0.1:${node}\n`).join('')]
  ]))
  await runProxy(t, 'haproxy', ['-db', '-f', config])
  await until(async () => await fetch(`${urlOf(port)}/signal/ready`).then(({ ok }) => ok, () => false))
  return {
    port,
    nodes,
    async restart (at, signal) {
      const { child, exited, port } = nodes[at] as Deployment['nodes'][number]
      child.kill(signal)
      await exited
      nodes[at] = { ...run(t, env(port)), port }
      await ready(port)
    }
  }
}

async function ready (port: number): Promise<void> {
  await until(async () => await fetch(`${urlOf(port)}/ready`).then(({ ok }) => ok, () => false))
}

/** Asks a node again and again whether it is ready, and then for a WebSocket. Answers how often it said yes and took nobody. */
function watchReadiness (t: Test, { nodes }: Deployment): () => Promise<number> {
  let lies = 0
  const over = new AbortController()
  const watching = (async () => {
    while (!over.signal.aborted) {
      for (const { port } of nodes) {
        const isReady = await fetch(`${urlOf(port)}/ready`).then(({ ok }) => ok, () => false)
        if (!isReady) continue
        const answer = await refusal(t, port, '/drone').then(({ status }) => status, () => undefined)
        // It may have begun to drain between the two questions.
        const isStill = await fetch(`${urlOf(port)}/ready`).then(({ ok }) => ok, () => false)
        if (answer !== undefined && answer !== 101 && isStill) lies++
      }
      await delay(100)
    }
  })()
  return async () => {
    over.abort()
    await watching
    return lies
  }
}

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  t.test(`three nodes are restarted one after the other by ${signal}, and nobody hears of it`, { timeout }, async (t) => {
    const deployment = await deploy(t)
    const all = crowd.map(([dialect, count]) => Array.from({ length: count }, (_, at) => {
      return new Wanderer(deployment.port, dialect, `${dialect.name}-${at}`)
    }))
    const everybody = all.flat()
    const bound = everybody.filter(({ dialect }) => dialect.takesNames)
    const pairs = all.filter(([first]) => first?.dialect.takesNames === true)
      .flatMap((group) => group.map((client, at): [Wanderer, Wanderer] => [client, group[(at + 1) % group.length] as Wanderer]))
    t.teardown(() => { for (const client of everybody) client.end() })
    for (let at = 0; at < everybody.length; at += 50) {
      for (const client of everybody.slice(at, at + 50)) client.connect()
      await until(() => everybody.slice(at, at + 50).every(({ isBack }) => isBack))
    }
    for (const client of bound) client.listen()
    const signaling = setInterval(() => {
      for (const [sender, receiver] of pairs) if (Math.random() < 0.1) sender.signal(receiver.id)
    }, signalEveryMs / 10)
    t.teardown(() => clearInterval(signaling))
    const lies = signal === 'SIGTERM' ? watchReadiness(t, deployment) : async () => 0

    for (const at of deployment.nodes.keys()) {
      await deployment.restart(at, signal)
      await until(() => everybody.every(({ isBack }) => isBack))
    }
    clearInterval(signaling)
    t.equal(await lies(), 0, '/ready never said yes in vain')
    // Behind the last signal of each, everything has come that is going to.
    for (const [sender, receiver] of pairs) sender.signal(receiver.id)
    await until(() => pairs.every(([sender, receiver]) => receiver.heard.get(sender.id)?.at(-1) === sender.sent.length - 1))

    for (const dialect of ['tom', 'drone', 'psync']) {
      const news = bound.filter((client) => client.dialect.name === dialect).flatMap(({ news }) => news)
      t.same(news.slice(0, 3), [], `no news in ${dialect}`)
    }
    const total = bound.reduce((count, { sent }) => count + sent.length, 0)
    const lost: string[] = []
    for (const [sender, receiver] of pairs) {
      const heard = receiver.heard.get(sender.id) ?? []
      if (!heard.every((number, at) => at === 0 || number > (heard[at - 1] as number))) t.fail(`${sender.id}: ${heard.join()}`)
      const cuts = [...sender.cuts, ...receiver.cuts]
      const missing = sender.sent.filter(({ number, at }) => {
        const wasInHands = signal === 'SIGKILL' && cuts.some((cut) => at > cut - handMs && at < cut + handMs)
        return !wasInHands && !heard.includes(number)
      })
      for (const { number } of missing) lost.push(`${sender.id} ${number} of ${sender.sent.length}`)
    }
    t.same(lost.slice(0, 5), [], `of ${total} signals none is lost, and none comes twice or out of order`)
    t.same(bound.flatMap(({ errors }) => errors).slice(0, 3), [], 'and nobody is told an error')
    const absences = bound.flatMap(({ absences }) => absences).sort((one, other) => one - other)
    const longest = absences.at(-1) as number
    t.ok(longest < patienceMs, `${absences.length} returns, within ${Math.round(longest)} ms, half of them within ${
      Math.round(absences[Math.floor(absences.length / 2)] as number)} ms`)
  })
}
