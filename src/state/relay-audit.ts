import type { Audit } from '../telemetry/audit.js'
import type { State } from './contract.js'

/** Audits every relayed frame, with its sender and receiver. Wraps the relay only when called, so a frame costs nothing otherwise. */
export function auditRelays ({ relay, sessions }: State, audit: Audit): void {
  const { send, sendOrKeep, broadcastOrKeep, broadcast } = relay
  const record = (room: string, id: string | undefined, to?: string) => {
    audit.debug({ event: 'relay', dialect: room.split('/', 1)[0], room, id, to })
  }
  relay.send = (room, to, frame, from) => {
    record(room, from, to)
    return send(room, to, frame, from)
  }
  relay.sendOrKeep = (mail) => {
    record(mail.room, mail.from, mail.to)
    return sendOrKeep(mail)
  }
  relay.broadcastOrKeep = (mail) => {
    record(mail.room, mail.from)
    return broadcastOrKeep(mail)
  }
  relay.broadcast = (room, frame, except, origin) => {
    record(room, origin?.from ?? except)
    return broadcast(room, frame, except, origin)
  }
  const { send: sendInSession } = sessions
  sessions.send = (signal) => {
    record(signal.room, signal.from, signal.to)
    return sendInSession(signal)
  }
}
