import { clients } from '../../../src/testing/clients.js'
import { opcodes } from '../../../src/testing/websocket.js'
import {
  type Attack, between, encodeFrame, flood, longMs, mediumMs, pick, provoke, registered, type Scene, textFrame, unregistered
} from './scene.js'

function deep (scene: Scene): string {
  const levels = between(scene, 1_000, 40_000)
  const sdp = pick(scene, ['['.repeat(levels) + ']'.repeat(levels), '{"a":'.repeat(levels) + '0' + '}'.repeat(levels)])
  return offerOf(sdp)
}

/** An offer to nobody with this JSON as its description. */
function offerOf (sdp: string): string {
  return `{"type":"offer","target":"nobody","sdp":${sdp}}`
}

/** JSON that is most expensive to parse for its size, which is about this many bytes. */
const expensive: ReadonlyArray<(bytes: number) => string> = [
  (bytes) => `{${Array.from({ length: Math.floor(bytes / 10) }, (_, at) => `"${at}":0`).join()}}`,
  (bytes) => '['.repeat(bytes),
  (bytes) => `[${'{"a":{}},'.repeat(Math.floor(bytes / 9))}0]`,
  (bytes) => `{"type":"register","id":"${'\\u0041'.repeat(Math.floor(bytes / 6))}"}`,
  (bytes) => offerOf('9'.repeat(bytes)),
  (bytes) => offerOf(`[${'0,'.repeat(Math.floor(bytes / 2))}0]`)
]

/** Frames that are expensive to read. */
export const frames: readonly Attack[] = [
  {
    name: 'flood of frames',
    everyMs: 3000,
    addresses: 8,
    async run (scene) {
      const [entrance, frame] = pick(scene, [
        [registered(clients.drone, scene.id), { type: 'ping' }],
        [registered(clients.drone, scene.id), { type: 'list' }],
        [registered(clients.tom, scene.id), { type: 'heartbeat' }],
        [registered(clients.psync, scene.id), { type: 'offer', target_id: 'nobody', payload: 1 }],
        [{ path: '/', first: textFrame({ type: 'ping' }) }, 'not JSON']
      ] as const)
      await flood(scene, entrance, textFrame(frame), longMs)
    }
  },
  {
    name: 'flood of 100 KB frames',
    everyMs: 4000,
    addresses: 4,
    async run (scene) {
      const offer = clients.drone.offer('', pick(scene, ['nobody', scene.id]), 'x'.repeat(100_000))
      await flood(scene, registered(clients.drone, scene.id), textFrame(offer), mediumMs)
    }
  },
  {
    name: 'frame beyond MAX_PAYLOAD',
    everyMs: 500,
    addresses: 4,
    run: async (scene) => await provoke(scene, unregistered('/tom'), Infinity, ({ socket }) => {
      // In one piece, or in fragments.
      if (scene.random() < 0.5) return socket.write(encodeFrame(1, '', { length: 2 ** 31 - 1 }))
      const fragments = [encodeFrame(1, Buffer.alloc(200_000, 'x'), { isLast: false }), encodeFrame(0, Buffer.alloc(100_000, 'x'))]
      socket.write(Buffer.concat(fragments))
    })
  },
  {
    name: 'invalid UTF-8',
    everyMs: 200,
    addresses: 8,
    run: async (scene) => await provoke(scene, unregistered('/psync/ws'), 5000, (intruder) => {
      intruder.onText = () => intruder.go('answered with an error')
      intruder.socket.write(encodeFrame(pick(scene, [1, 2]), Buffer.from([0x7b, 0xc3, 0x28, 0xff, 0x7d])))
    })
  },
  {
    name: 'flood of tiny fragments',
    everyMs: 2000,
    addresses: 4,
    async run (scene) {
      const bytes = Buffer.concat(Array<Buffer>(8192).fill(encodeFrame(0, pick(scene, ['', 'x']), { isLast: false })))
      await flood(scene, { path: '/tom', first: encodeFrame(1, 'x', { isLast: false }) }, bytes, mediumMs)
    }
  },
  {
    name: 'flood of messages in fragments',
    everyMs: 3000,
    addresses: 4,
    async run (scene) {
      const middle = Array<Buffer>(pick(scene, [200, 10_000])).fill(encodeFrame(0, ' ', { isLast: false }))
      const message = [encodeFrame(1, '{', { isLast: false }), ...middle, encodeFrame(0, '}')]
      await flood(scene, registered(clients.tom, scene.id), Buffer.concat(message), mediumMs)
    }
  },
  ...(['ping', 'pong'] as const).map((control): Attack => ({
    name: `flood of ${control}s`,
    everyMs: 2000,
    addresses: 4,
    async run (scene) {
      const frame = encodeFrame(opcodes[control], pick(scene, ['', 'x'.repeat(125)]))
      await flood(scene, registered(clients.tom, scene.id), frame, longMs)
    }
  })),
  {
    name: 'deeply nested JSON',
    everyMs: 250,
    addresses: 4,
    run: async (scene) => await provoke(scene, registered(clients.drone, scene.id), 5000, (intruder) => {
      intruder.onText = (answer) => { if (answer.includes('"error"')) intruder.go('answered with an error') }
      intruder.socket.write(textFrame(deep(scene)))
    })
  },
  {
    name: 'flood of large and costly frames',
    everyMs: 2500,
    addresses: 4,
    // From clients that have not registered.
    async run (scene) {
      const bytes = textFrame(pick(scene, expensive)(pick(scene, [262_000, 1_000_000])))
      await flood(scene, unregistered(pick(scene, ['/drone', '/tom', '/psync/ws', '/rooms', '/'])), bytes, mediumMs)
    }
  }
]
