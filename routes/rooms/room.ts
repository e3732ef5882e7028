export const dialect = 'rooms'

export const roomPrefix = `${dialect}/`

export function roomOf (code: string): string {
  return roomPrefix + code
}
