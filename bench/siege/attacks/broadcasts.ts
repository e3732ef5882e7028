import { clients } from '../../../src/testing/clients.js'
import type { Intruder } from '../intruder.js'
import {
  type Attack, enter, type Entrance, heard, mediumMs, openRoom, pick, registered, repeated, type Scene, textFrame, unregistered
} from './scene.js'

const full = '€'.repeat(256)

/** A control character takes six bytes in JSON. Where such a key is refused, the longest permitted one is the next best. */
const longestKeys = ['\u0001'.repeat(4096), 'k'.repeat(1024)] as const

/** Sockets of one address that have registered: those that were let in. `entrance` gives each its id. */
async function crowd (scene: Scene, size: number, entrance: (id: string) => Entrance): Promise<Intruder[]> {
  const crowd = Array.from({ length: size }, (_, at) => entrance(`${scene.id}-${at}`))
  const entered = await Promise.all(crowd.map(async ({ path, first }) => {
    const intruder = enter(scene, path)
    if (!await intruder.letIn) scene.saw(await intruder.end)
    else intruder.socket.write(first)
    return intruder
  }))
  return entered.filter((intruder) => intruder.isOpen())
}

/** A crowd whose members all repeat a frame at full speed. */
async function crowdThatFloods (scene: Scene, size: number, entrance: (id: string) => Entrance, frame?: object): Promise<void> {
  const intruders = await crowd(scene, size, entrance)
  await Promise.all(intruders.map(async (intruder, at) => {
    const bytes = frame === undefined ? entrance(`${scene.id}-${at}`).first : textFrame(frame)
    await intruder.flood(repeated(bytes), Math.min(mediumMs, scene.left()))
  }))
  await scatter(scene, intruders, 'at full speed until it left')
}

async function scatter (scene: Scene, intruders: Intruder[], reason: string): Promise<void> {
  for (const intruder of intruders) scene.saw(await intruder.leave(reason))
}

/** Frames that are cheap for their sender and expensive for many others. */
export const broadcasts: readonly Attack[] = [
  {
    name: 'lists of the longest names and keys',
    everyMs: 8000,
    addresses: 2,
    async run (scene) {
      const node = (id: string, key: string) => {
        const frame = { type: 'register', nodeId: id + full.slice(id.length), username: full, publicKey: key, encryptionKey: key }
        return textFrame(frame)
      }
      const nodes = Array.from({ length: 60 }, (_, at) => ({ id: `${scene.id}-${at}`, intruder: enter(scene, '/tom') }))
      await Promise.all(nodes.map(async ({ id, intruder }) => {
        if (!await intruder.letIn) return
        const refused = heard(intruder, (answer) => answer.includes('"error"'), 2000)
        intruder.socket.write(node(id, longestKeys[0]))
        if (await refused !== undefined) intruder.socket.write(node(id, longestKeys[1]))
      }))
      for (let times = 0; times < 48 && scene.left() > 0; times++) {
        const { id, intruder } = pick(scene, nodes)
        if (intruder.socket.writable) intruder.socket.write(node(id, longestKeys[times % 2 as 0 | 1]))
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
      const dialect = pick(scene, [clients.tom, clients.drone, clients.psync])
      await crowdThatFloods(scene, 1, (id) => registered(dialect, id))
    }
  },
  {
    name: 'crowd that registers again and again',
    everyMs: 8000,
    addresses: 1,
    async run (scene) {
      const dialect = pick(scene, [clients.tom, clients.drone, clients.psync])
      await crowdThatFloods(scene, 60, (id) => registered(dialect, id, scene.id))
    }
  },
  {
    name: 'roles announced to everybody',
    everyMs: 3000,
    addresses: 2,
    async run (scene) {
      const roles = { type: 'role-assign', nodeId: `${scene.id}-0`, roles: Array<string>(64).fill(full) }
      await crowdThatFloods(scene, 1, (id) => registered(clients.tom, id), roles)
    }
  },
  {
    name: 'signals to a full room',
    everyMs: 5000,
    addresses: 2,
    async run (scene) {
      const [owner] = await crowd(scene, 1, () => unregistered('/rooms'))
      if (owner === undefined) return
      const roomId = await openRoom(owner)
      if (roomId === undefined) return scene.saw(await owner.leave('no room'))
      const others = await crowd(scene, 49, (id) => registered(clients.rooms, id, roomId))
      const signal = textFrame(clients.rooms.offer('', '', 'y'.repeat(60_000)))
      await owner.flood(signal, Math.min(mediumMs, scene.left()))
      await scatter(scene, [owner, ...others], 'stayed until it left')
    }
  }
]
