import { type Intruder } from '../intruder.js'
import { type Attack, enter, heard, mediumMs, pick, registered, repeated, type Scene, text } from './scene.js'

const full = '€'.repeat(256)

/** So many sockets of one address that have registered. */
async function crowd (scene: Scene, path: string, size: number, first: (id: string) => Buffer): Promise<Intruder[]> {
  const crowd = Array.from({ length: size }, (_, at) => ({ id: `${scene.id}-${at}`, intruder: enter(scene, path) }))
  const entered = await Promise.all(crowd.map(async ({ id, intruder }) => {
    if (!await intruder.letIn) scene.saw(await intruder.end)
    else intruder.socket.write(first(id))
    return intruder
  }))
  return entered.filter((intruder) => intruder.isOpen())
}

async function scatter (scene: Scene, intruders: Intruder[], reason: string): Promise<void> {
  for (const intruder of intruders) scene.saw(await intruder.leave(reason))
}

/** Frames that cost their sender little, and many others much. */
export const broadcasts: readonly Attack[] = [
  {
    name: 'lists of the longest names and keys',
    everyMs: 8000,
    addresses: 2,
    async run (scene) {
      const padded = (id: string) => id + full.slice(id.length)
      const node = (id: string, key: string) => text({ type: 'register', nodeId: padded(id), username: full, publicKey: key, encryptionKey: key })
      const nodes = Array.from({ length: 60 }, (_, at) => ({ id: `${scene.id}-${at}`, intruder: enter(scene, '/tom') }))
      await Promise.all(nodes.map(async ({ id, intruder }) => {
        if (!await intruder.letIn) return
        const refused = heard(intruder, (answer) => answer.includes('"error"'), 2000)
        // A control character is six bytes in JSON, and where it is refused what is allowed is the next best.
        intruder.socket.write(node(id, '\u0001'.repeat(4096)))
        if (await refused !== undefined) intruder.socket.write(node(id, 'k'.repeat(1024)))
      }))
      for (let times = 0; times < 48 && scene.left() > 0; times++) {
        const { id, intruder } = pick(scene, nodes)
        if (intruder.socket.writable) intruder.socket.write(node(id, times % 2 === 0 ? '\u0001'.repeat(4096) : 'k'.repeat(1024)))
        await intruder.wait(100)
      }
      await scatter(scene, nodes.map(({ intruder }) => intruder), 'stayed until it left')
    }
  },
  {
    name: 'registers again and again',
    everyMs: 3000,
    addresses: 2,
    async run (scene) {
      const [path, first] = pick(scene, [['/tom', registered.tom], ['/drone', registered.drone], ['/psync/ws', registered.psync]] as const)
      const [intruder] = await crowd(scene, path, 1, first)
      if (intruder === undefined) return
      await intruder.flood(repeated(first(`${scene.id}-0`)), Math.min(mediumMs, scene.left()))
      await scatter(scene, [intruder], 'at full speed until it left')
    }
  },
  {
    name: 'crowd that registers again and again',
    everyMs: 8000,
    addresses: 1,
    async run (scene) {
      const [path, first] = pick(scene, [
        ['/tom', registered.tom],
        ['/drone', registered.drone],
        ['/psync/ws', (id: string) => registered.psync(id, scene.id)]
      ] as const)
      const intruders = await crowd(scene, path, 60, first)
      await Promise.all(intruders.map(async (intruder, at) => { await intruder.flood(repeated(first(`${scene.id}-${at}`)), Math.min(mediumMs, scene.left())) }))
      await scatter(scene, intruders, 'at full speed until it left')
    }
  },
  {
    name: 'roles announced to everybody',
    everyMs: 3000,
    addresses: 2,
    async run (scene) {
      const [intruder] = await crowd(scene, '/tom', 1, registered.tom)
      if (intruder === undefined) return
      await intruder.flood(text({ type: 'role-assign', nodeId: `${scene.id}-0`, roles: Array<string>(64).fill(full) }), Math.min(mediumMs, scene.left()))
      await scatter(scene, [intruder], 'at full speed until it left')
    }
  },
  {
    name: 'signals to a full room',
    everyMs: 5000,
    addresses: 2,
    async run (scene) {
      const [owner] = await crowd(scene, '/rooms', 1, () => Buffer.alloc(0))
      if (owner === undefined) return
      const created = heard(owner, (answer) => answer.includes('room_created'))
      owner.socket.write(text({ type: 'create' }))
      const { roomId } = JSON.parse(await created ?? '{}') as { roomId?: string }
      if (roomId === undefined) return scene.saw(await owner.leave('no room'))
      const others = await crowd({ ...scene, id: `${scene.id}-more` }, '/rooms', 49, () => text({ type: 'join', roomId }))
      await owner.flood(text({ type: 'signal', payload: 'y'.repeat(60_000) }), Math.min(mediumMs, scene.left()))
      await scatter(scene, [owner, ...others], 'stayed until it left')
    }
  }
]
