import { type Attack, between, enter, flood, frame, longMs, mediumMs, pick, registered, type Scene, text } from './scene.js'

function deep (scene: Scene): Buffer {
  const levels = between(scene, 1_000, 40_000)
  return text(`{"type":"offer","target":"nobody","sdp":${pick(scene, [['[', ']'], ['{"a":', '}']].map(([open = '', close = '']) => open.repeat(levels) + (open === '[' ? '' : '0') + close.repeat(levels)))}}`)
}

/** JSON of about so many bytes that costs most to read. */
const dear: ReadonlyArray<(bytes: number) => string> = [
  (bytes) => `{${Array.from({ length: Math.floor(bytes / 10) }, (_, at) => `"${at}":0`).join()}}`,
  (bytes) => '['.repeat(bytes),
  (bytes) => `[${'{"a":{}},'.repeat(Math.floor(bytes / 9))}0]`,
  (bytes) => `{"type":"register","id":"${'\\u0041'.repeat(Math.floor(bytes / 6))}"}`,
  (bytes) => `{"type":"offer","target":"nobody","sdp":${'9'.repeat(bytes)}}`,
  (bytes) => `{"type":"offer","target":"nobody","sdp":[${'0,'.repeat(Math.floor(bytes / 2))}0]}`
]

/** What a frame costs to read. */
export const frames: readonly Attack[] = [
  {
    name: 'flood of frames',
    everyMs: 3000,
    addresses: 8,
    async run (scene) {
      const { path, first, bytes } = pick(scene, [
        { path: '/drone', first: registered.drone(scene.id), bytes: text({ type: 'ping' }) },
        { path: '/drone', first: registered.drone(scene.id), bytes: text({ type: 'list' }) },
        { path: '/tom', first: registered.tom(scene.id), bytes: text({ type: 'heartbeat' }) },
        { path: '/psync/ws', first: registered.psync(scene.id), bytes: text({ type: 'offer', target_id: 'nobody', payload: 1 }) },
        { path: '/', first: text({ type: 'ping' }), bytes: text('not JSON') }
      ])
      await flood(scene, path, first, bytes, longMs)
    }
  },
  {
    name: 'flood of 100 KB frames',
    everyMs: 4000,
    addresses: 4,
    run: async (scene) => await flood(scene, '/drone', registered.drone(scene.id), text({ type: 'offer', target: pick(scene, ['nobody', scene.id]), sdp: 'x'.repeat(100_000) }), mediumMs)
  },
  {
    name: 'frame beyond MAX_PAYLOAD',
    everyMs: 500,
    addresses: 4,
    async run (scene) {
      const intruder = enter(scene, '/tom')
      if (await intruder.letIn) {
        // In one, or bit by bit.
        if (scene.random() < 0.5) intruder.socket.write(frame(1, '', { length: 2 ** 31 - 1 }))
        else intruder.socket.write(Buffer.concat([frame(1, Buffer.alloc(200_000, 'x'), { isLast: false }), frame(0, Buffer.alloc(100_000, 'x'))]))
        await intruder.wait(scene.left())
      }
      scene.saw(await intruder.leave('not stopped'))
    }
  },
  {
    name: 'invalid UTF-8',
    everyMs: 200,
    addresses: 8,
    async run (scene) {
      const intruder = enter(scene, '/psync/ws')
      if (await intruder.letIn) {
        intruder.onText = () => intruder.go('answered with an error')
        intruder.socket.write(frame(pick(scene, [1, 2]), Buffer.from([0x7b, 0xc3, 0x28, 0xff, 0x7d])))
        await intruder.wait(Math.min(5000, scene.left()))
      }
      scene.saw(await intruder.leave('not stopped'))
    }
  },
  {
    name: 'flood of tiny fragments',
    everyMs: 2000,
    addresses: 4,
    async run (scene) {
      const bytes = Buffer.concat(Array<Buffer>(8192).fill(frame(0, pick(scene, ['', 'x']), { isLast: false })))
      await flood(scene, '/tom', frame(1, 'x', { isLast: false }), bytes, mediumMs)
    }
  },
  {
    name: 'flood of messages in fragments',
    everyMs: 3000,
    addresses: 4,
    async run (scene) {
      const message = [frame(1, '{', { isLast: false }), ...Array<Buffer>(pick(scene, [200, 10_000])).fill(frame(0, ' ', { isLast: false })), frame(0, '}')]
      await flood(scene, '/tom', registered.tom(scene.id), Buffer.concat(message), mediumMs)
    }
  },
  {
    name: 'flood of pings',
    everyMs: 2000,
    addresses: 4,
    run: async (scene) => await flood(scene, '/tom', registered.tom(scene.id), frame(9, pick(scene, ['', 'x'.repeat(125)])), longMs)
  },
  {
    name: 'flood of pongs',
    everyMs: 2000,
    addresses: 4,
    run: async (scene) => await flood(scene, '/tom', registered.tom(scene.id), frame(10, pick(scene, ['', 'x'.repeat(125)])), longMs)
  },
  {
    name: 'deeply nested JSON',
    everyMs: 250,
    addresses: 4,
    async run (scene) {
      const intruder = enter(scene, '/drone')
      if (await intruder.letIn) {
        intruder.onText = (answer) => { if (answer.includes('"error"')) intruder.go('answered with an error') }
        intruder.socket.write(registered.drone(scene.id))
        intruder.socket.write(deep(scene))
        await intruder.wait(Math.min(5000, scene.left()))
      }
      scene.saw(await intruder.leave('not stopped'))
    }
  },
  {
    name: 'flood of large and costly frames',
    everyMs: 2500,
    addresses: 4,
    // Of nobody who has registered.
    async run (scene) {
      const bytes = text(pick(scene, dear)(pick(scene, [262_000, 1_000_000])))
      await flood(scene, pick(scene, ['/drone', '/tom', '/psync/ws', '/rooms', '/']), Buffer.alloc(0), bytes, mediumMs)
    }
  }
]
