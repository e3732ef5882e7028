/** What a node has. */
export interface StateSize {
  peers: number
  rooms: number
  /** Members of the largest room. */
  largestRoom: number
  /** Mailboxes that are not empty, and the bytes of all frames in them. */
  mailboxes: number
  mailboxBytes: number
  sessions: number
  attempts: number
}

/** Counts since the start, except `roundTripMs`. */
export interface StateCounters {
  /** Leases renewed. */
  renewals: number
  /** Own leases that ran out, because this node was paused or cut off. */
  leasesLost: number
  /** Registrations restored in Redis after a lost lease or link. */
  peersRestored: number
  /** Dead nodes that this node removed, and their peers that it removed. */
  nodesReaped: number
  peersReaped: number
  /** Frames that this node could not deliver: their peer had gone or refused them. */
  framesDropped: number
  /** How often the link came up again. */
  reconnects: number
  /** Messages from Redis, or parts of them, that were not understood or failed to be handled. */
  messagesSkipped: number
  /** Commands that Redis answered with an error. */
  commandsRefused: number
  /** Round-trip time of the last probe, in ms. */
  roundTripMs: number
}
