import { setTimeout as delay } from 'node:timers/promises'
import { type Attack, between, longMs, mediumMs, overdueMs, pick, repeated, type Scene, upgradeRequest } from './scene.js'

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: siege\r\n\r\n`

/** Writes this from many sockets at once, and waits for the server to end them. */
async function linger (scene: Scene, sockets: number, words: () => string): Promise<void> {
  const intruders = Array.from({ length: sockets }, () => scene.intrude(words(), { isDeaf: true }))
  const patienceMs = Math.min(overdueMs, scene.left())
  await Promise.all(intruders.map(async (intruder) => await intruder.wait(patienceMs)))
  for (const intruder of intruders) {
    if (!intruder.isOpen()) scene.saw(await intruder.end)
    else if (patienceMs === overdueMs) scene.harmed('stayed open')
    else scene.saw('not stopped yet')
    intruder.go('left')
  }
}

/** Asks again and again on ten connections without waiting for answers; opens new ones when those are cut. */
async function pipeline (scene: Scene, path: string, isRead: boolean): Promise<void> {
  const requests = repeated(Buffer.from(get(path)))
  const until = performance.now() + Math.min(mediumMs, scene.left())
  await Promise.all(Array.from({ length: 10 }, async () => {
    while (performance.now() < until) {
      const intruder = scene.intrude('', { isDeaf: true })
      if (isRead) intruder.onAnswer = (status) => scene.saw(status)
      else intruder.socket.pause()
      await intruder.flood(requests, until - performance.now())
      scene.saw(await intruder.leave('asked until it left'))
      await delay(20)
    }
  }))
}

/** Asks again after each answer; reconnects when the connection is closed, or after `pauseMs`. */
async function insist (scene: Scene, path: string, pauseMs: number): Promise<void> {
  const until = performance.now() + Math.min(mediumMs, scene.left())
  while (performance.now() < until) {
    const intruder = scene.intrude(get(path), { isDeaf: true })
    intruder.onAnswer = (status) => {
      scene.saw(status)
      intruder.socket.write(get(path))
    }
    await intruder.wait(pauseMs)
    await intruder.leave()
    // As a client whose connection fails at once would wait.
    await delay(5)
  }
}

/** Plain HTTP, and connections that never become a WebSocket. */
export const http: readonly Attack[] = [
  {
    name: 'headers or body that never end',
    everyMs: 100,
    addresses: 8,
    async run (scene) {
      const intruder = scene.intrude(pick(scene, [
        '',
        'GET /tom HTTP/1.1\r\nHost: siege\r\n',
        upgradeRequest('/tom').slice(0, -2),
        'POST /tom/id HTTP/1.1\r\nHost: siege\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{'
      ]))
      while (intruder.socket.writable && scene.left() > 0) {
        await intruder.wait(Math.min(2000, scene.left()))
        intruder.socket.write('x')
      }
      scene.saw(await intruder.leave('not stopped yet'))
    }
  },
  {
    name: 'REST call',
    everyMs: 20,
    addresses: 2,
    async run (scene) {
      const path = pick(scene, ['/tom/id', '/peerjs/id', '/metrics', '/drone/peers'])
      const intruder = scene.intrude(`GET ${path} HTTP/1.1\r\nHost: siege\r\nConnection: close\r\n\r\n`)
      await intruder.wait(Math.min(5000, scene.left()))
      scene.saw(await intruder.leave('not answered'))
    }
  },
  {
    name: 'upgrade to a bad URL',
    everyMs: 200,
    addresses: 2,
    run: async (scene) => await linger(scene, 40, () => upgradeRequest(pick(scene, ['/%zz', '/tom/%', `/${'x'.repeat(300)}/id`])))
  },
  {
    name: 'silent connections',
    everyMs: 4000,
    addresses: 2,
    run: async (scene) => await linger(scene, 600, () => '')
  },
  {
    name: 'pipeline of unread requests',
    everyMs: 1500,
    addresses: 2,
    run: async (scene) => await pipeline(scene, pick(scene, ['/openapi.json', '/openapi.json', '/metrics', '/health']), false)
  },
  {
    name: 'pipeline of requests',
    everyMs: 1500,
    addresses: 2,
    run: async (scene) => await pipeline(scene, pick(scene, ['/health', '/ready', '/drone/health', '/tom/id', '/nowhere']), true)
  },
  {
    name: 'flood of requests',
    everyMs: 1000,
    addresses: 2,
    async run (scene) {
      const path = pick(scene, ['/drone/health', '/drone/peers', '/tom/peers', '/openapi.json', '/peerjs/id'])
      const pauseMs = between(scene, 500, 1500)
      await Promise.all(Array.from({ length: 10 }, async () => await insist(scene, path, pauseMs)))
    }
  },
  {
    name: 'requests a byte at a time',
    everyMs: 3000,
    addresses: 4,
    async run (scene) {
      const intruders = Array.from({ length: 20 }, () => scene.intrude())
      const request = get(`/${'x'.repeat(200)}`)
      for (let at = 0; at < request.length && scene.left() > 100 && intruders.some((intruder) => intruder.isOpen()); at++) {
        for (const intruder of intruders) if (intruder.socket.writable) intruder.socket.write(request.charAt(at))
        await delay(longMs / request.length)
      }
      for (const intruder of intruders) scene.saw(await intruder.leave('not stopped yet'))
    }
  }
]
