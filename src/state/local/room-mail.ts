import type { Mail, RoomMail } from '../contract.js'

/** The receiver of what a room keeps for the first who joins. No peer has this id. */
export const anybody = ''

/** A signal that a room keeps. It does not expire: it is taken by who joins, or dropped when its sender leaves. */
export function mailForAnybody ({ room, from, frame, lost, origin }: RoomMail): Mail {
  return { room, from, to: anybody, frame, keepMs: Infinity, expired: lost, origin }
}
