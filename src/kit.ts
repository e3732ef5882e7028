/**
 * What a dialect is made of. Our own import nothing else of Signalbox, so a plugin can have all that they have: `signalbox` exports
 * every name of this file.
 */

// The frames that a dialect takes, and those that it sends.
export { type Static, type TSchema, Type } from '@sinclair/typebox'
export { Frame, type FrameLike, payloadOf } from './frame/bytes.js'
export { IdSchema } from './frame/ids.js'
export { type JsonObject, type Received, type Span, valuesOf } from './frame/parse.js'
export { memberPassedOn, passedOn, type PlainForm } from './frame/pass-on.js'
export { type CloseCode, closeCodes, notAllowed, quote } from './frame/close-codes.js'
// The dialect itself, and where it is mounted.
export type {
  Dialect, DialectErrors, ErrorKind, FrameSchemas, Handlers, Handshake, HttpDialect, Liveness, Ping, SocketlessDialect
} from './dialect/dialect.js'
export type { DialectContext, DialectDescription, FirstFrame, OptionalDialect } from '../routes/dialect.js'
export { mountRoute, nativePathBelow } from '../routes/dialect.js'
export type { NativePath } from './listener/native-path.js'
export type { SpeakRoute } from '../plugins/speak.js'
// Its calls with peers of other dialects.
export type {
  BridgedCall, BridgedEnds, BridgeEntrance, BridgeRefusal, Bridging, CallClient, CallKind, Candidate, Said, Signal
} from './dialect/bridging.js'
export { candidateIn, membersOf } from './dialect/candidate.js'
// One client.
export type { Connection, DropReason } from './dialect/connection.js'
export { HttpClient, type HttpClientHost, type HttpClientOptions } from './connection/http-client.js'
export { graceOf, register, RegisteringClient } from './dialect/registration.js'
export { type Claims, ownerOf, type Permit } from './auth/permit.js'
export { networkOf, originOf } from './net/address.js'
// All of them.
export type {
  AttemptLimit, Attempts, CloseRequest, DisconnectOutcome, JoinOutcome, JoinRequest, Mail, Member, Origin, Peer, PeerInfo, RoomMail,
  Peers, Relay, Rooms, Sender, SendOutcome, Sessions, SessionSignal, Sink, State, Watcher
} from './state/contract.js'
export { type MemberList, memberList } from './dialect/member-list.js'
export { peerArray } from './dialect/peer-array.js'
// REST.
export { MemoryBody } from '../routes/health-schema.js'
export { answerOk } from '../routes/health.js'
export { discovery, type DiscoveryOptions, roomsBelow } from '../routes/discovery.js'
// What its handlers need beside that.
export type { IceServer, IceServers } from './auth/ice-servers.js'
export type { Config } from './config/schema.js'
export { retryAfter } from './limits/retry-after.js'
export { TokenBucket, TokenRate } from './limits/token-bucket.js'
export { Cohorts } from './limits/cohorts.js'
export { andThen, type MaybePromise } from './timing/maybe-promise.js'
export type { Clock } from './timing/clock.js'
export type { Timer, Timers } from './timing/timers.js'
