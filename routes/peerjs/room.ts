import type { Config } from '../../src/kit.js'

export const dialect = 'peerjs'

/** Each key is a room, in which ids are unique. */
export function roomOf (key: string): string {
  return `${dialect}/${key}`
}

/** The client's own default, if the server has it. */
export function defaultKey ({ PEERJS_KEY: keys }: Config): string {
  return keys.includes('peerjs') ? 'peerjs' : keys[0] as string
}
