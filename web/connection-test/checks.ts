import type { Group } from './check.js'
import { candidates } from './checks/candidates.js'
import { iceServers } from './checks/ice-servers.js'
import { origin } from './checks/origin.js'
import { roundTrip } from './checks/round-trip.js'
import { secureContext } from './checks/secure-context.js'
import { server } from './checks/server.js'
import { silence } from './checks/silence.js'
import { stun } from './checks/stun.js'
import { turnOver } from './checks/turn.js'
import { upgrade } from './checks/upgrade.js'

/** All checks, as the page shows them. Groups run beside each other, the checks of a group one after the other. */
export const groups: readonly Group[] = [
  { title: 'Page and server', checks: [secureContext, server, origin] },
  { title: 'WebSocket', checks: [upgrade, roundTrip, silence] },
  { title: 'STUN and TURN', checks: [iceServers, candidates, stun, turnOver('udp'), turnOver('tcp'), turnOver('tls')] }
]
