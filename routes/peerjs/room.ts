export const dialect = 'peerjs'

/** Each key is a room, in which ids are unique. */
export function roomOf (key: string): string {
  return `${dialect}/${key}`
}
