import { frame, type Intruder, type Manners, text, upgrade } from '../intruder.js'

/** What an attack is given. */
export interface Scene {
  readonly random: () => number
  /** Names nobody else has. */
  readonly id: string
  /** Honest clients: a drone on a slow line and its partner, and PeerJS ids that will come soon. */
  readonly honest: { readonly slow: string, readonly partner: string, soon (): string[] }
  /** Connects, and says the first words. */
  intrude (firstWords?: string, manners?: Manners): Intruder
  tokenFor (claims: object, header?: object): string
  /** ms until everything is over. */
  left (): number
  /** Tells what came of an attempt. */
  saw (outcome: string, times?: number): void
  /** The same, of what must never come of one. */
  harmed (outcome: string, times?: number): void
}

export interface Attack {
  readonly name: string
  /** One begins every so many ms, on average. */
  readonly everyMs: number
  /** Over so many addresses. */
  readonly addresses: number
  run (scene: Scene): Promise<void>
}

/** A server that takes nothing for so long does not read. */
const heldMs = 250
export const longMs = 35_000
export const mediumMs = 10_000
/** What does not end by then is not ended by a time limit of 10 s. */
export const overdueMs = 15_000

export const between = ({ random }: Scene, least: number, most: number): number => least + Math.floor(random() * (most - least + 1))

export const pick = <T>({ random }: Scene, all: readonly T[]): T => all[Math.floor(random() * all.length)] as T

/** Comes with a good token: whoever attacks is somebody's user, and may have any id. */
export function enter (scene: Scene, path: string): Intruder {
  return scene.intrude(upgrade(path, scene.tokenFor({ sub: scene.id, ids: ['*'] })))
}

/** The same text again and again, in pieces of 64 KiB. */
export function repeated (bytes: Buffer): Buffer {
  return Buffer.concat(Array<Buffer>(Math.max(1, Math.ceil(65_536 / bytes.length))).fill(bytes))
}

/** Floods with what comes after the first bytes, and tells how that ended. */
export async function flood (scene: Scene, path: string, first: Buffer, bytes: Buffer, ms: number, intruder = enter(scene, path)): Promise<void> {
  if (!await intruder.letIn) return scene.saw(await intruder.end)
  intruder.socket.write(first)
  const waited = await intruder.flood(repeated(bytes), Math.min(ms, scene.left()))
  scene.saw(await intruder.leave(waited > heldMs ? 'held back until it left' : 'within the limits'))
}

export const registered = {
  drone: (id: string) => text({ type: 'register', id }),
  tom: (id: string) => text({ type: 'register', nodeId: id, username: id }),
  psync: (id: string, group = id) => text({ type: 'register', source_id: id, payload: { peer_id: id, group_id: group } })
}

/** The first of the texts that the intruder is sent and that fits; undefined when none comes in time. */
export async function heard (intruder: Intruder, fits: (text: string) => boolean, ms = 5000): Promise<string | undefined> {
  let found: string | undefined
  let tell = (): void => {}
  const told = new Promise<void>((resolve) => { tell = resolve })
  intruder.onText = (text) => {
    if (found !== undefined || !fits(text)) return
    found = text
    tell()
  }
  await Promise.race([told, intruder.wait(ms)])
  return found
}

export { frame, text }
