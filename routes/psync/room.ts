export const dialect = 'psync'

export const roomPrefix = `${dialect}/`

/** Each group is a room. */
export function roomOf (group: string): string {
  return roomPrefix + group
}
