import type { ClientDialect, Frame } from '../../../src/testing/dialect.js'
import { clients } from '../../../src/testing/clients.js'
import { encodeFrame, textFrame, upgradeRequest } from '../../../src/testing/websocket.js'
import type { Intruder, Manners } from '../intruder.js'

/** What an attack works with. */
export interface Scene {
  readonly random: () => number
  /** A prefix for names that nobody else has. */
  readonly id: string
  /** Honest clients: a drone on a slow line, its partner, and PeerJS ids that will come soon. */
  readonly honest: { readonly slow: string, readonly partner: string, soon (): string[] }
  /** Connects and writes the first bytes. */
  intrude (firstWords?: string, manners?: Manners): Intruder
  tokenFor (claims: object, header?: object): string
  /** Time until everything is over, in ms. */
  left (): number
  /** Counts the outcome of an attempt. */
  saw (outcome: string, times?: number): void
  /** Counts an outcome that fails the siege. */
  harmed (outcome: string, times?: number): void
}

export interface Attack {
  readonly name: string
  /** Mean time from one attempt to the next, in ms. */
  readonly everyMs: number
  /** How many addresses the attempts are spread over. */
  readonly addresses: number
  run (scene: Scene): Promise<void>
}

/** A server that accepts no bytes for this long has stopped reading. In ms. */
const heldMs = 250
export const longMs = 35_000
export const mediumMs = 10_000
/** A connection still open by then escapes every time limit of 10 s. In ms. */
export const overdueMs = 15_000

export function between ({ random }: Scene, min: number, max: number): number {
  return min + Math.floor(random() * (max - min + 1))
}

export function pick<T> ({ random }: Scene, all: readonly T[]): T {
  return all[Math.floor(random() * all.length)] as T
}

/** Connects with a valid token for any id: attackers are users, too. */
export function enter (scene: Scene, path: string): Intruder {
  return scene.intrude(upgradeRequest(path, { token: scene.tokenFor({ sub: scene.id, ids: ['*'] }) }))
}

/** The same bytes again and again, up to at least 64 KiB. */
export function repeated (bytes: Buffer): Buffer {
  return Buffer.concat(Array<Buffer>(Math.max(1, Math.ceil(65_536 / bytes.length))).fill(bytes))
}

/** Where a client connects, and what it writes first. */
export interface Entrance {
  readonly path: string
  readonly first: Buffer
}

/** Connects there, and does not register. */
export const unregistered = (path: string): Entrance => ({ path, first: Buffer.alloc(0) })

/** Registers under an id. Without a place the client is alone in its PSync group, and opens a room. */
export function registered (dialect: ClientDialect, id: string, place = dialect.takesNames ? id : undefined): Entrance {
  return { path: dialect.path(id), first: Buffer.concat(dialect.registration(id, place).map(textFrame)) }
}

/** PeerJS clients register by connecting; the token comes in a header. */
export function peerjsClient (id: string): Entrance {
  return { path: `/peerjs?key=peerjs&id=${id}`, first: textFrame({ type: 'HEARTBEAT' }) }
}

/** Enters, repeats the bytes at full speed for `ms`, and tells how it ended. */
export async function flood (
  scene: Scene, { path, first }: Entrance, bytes: Buffer, ms: number, intruder = enter(scene, path)
): Promise<void> {
  if (!await intruder.letIn) return scene.saw(await intruder.end)
  intruder.socket.write(first)
  const waited = await intruder.flood(repeated(bytes), Math.min(ms, scene.left()))
  scene.saw(await intruder.leave(waited > heldMs ? 'held back until it left' : 'within the limits'))
}

/** Enters, does something that ought to end the connection, and tells how it ended. */
export async function provoke (scene: Scene, { path, first }: Entrance, ms: number, act: (intruder: Intruder) => void): Promise<void> {
  const intruder = enter(scene, path)
  if (await intruder.letIn) {
    intruder.socket.write(first)
    act(intruder)
    await intruder.wait(Math.min(ms, scene.left()))
  }
  scene.saw(await intruder.leave('not stopped'))
}

/** Enters, writes all frames at once, and tells what the answers of two seconds say: their message, or `otherwise`. */
export async function ask (scene: Scene, { path, first }: Entrance, frames: readonly Buffer[], otherwise: string): Promise<void> {
  const intruder = enter(scene, path)
  if (!await intruder.letIn) return scene.saw(await intruder.end)
  intruder.onText = (answer) => scene.saw((JSON.parse(answer) as { message?: string }).message ?? otherwise)
  intruder.socket.write(Buffer.concat([first, ...frames]))
  await intruder.wait(Math.min(2000, scene.left()))
  await intruder.leave()
}

const rooms: ClientDialect = clients.rooms

/** Opens a room; answers its code, or undefined when there is none in time. */
export async function openRoom (intruder: Intruder, ms = 5000): Promise<string | undefined> {
  const created = heard(intruder, (answer) => answer.includes('room_created'), ms)
  for (const frame of rooms.registration('')) intruder.socket.write(textFrame(frame))
  return rooms.welcome(JSON.parse(await created ?? '{}') as Frame, '')?.place
}

/** The first text frame to the intruder for which `fits` holds; undefined when none comes in time. */
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

export { encodeFrame, textFrame, upgradeRequest }
