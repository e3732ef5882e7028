/** For authors of dialects: what every dialect must survive, and clients to test the rest with. It needs node:test or tap. */
export { surviveContract } from './contract.js'
export type { Addressing, Subject, SubjectErrors } from './subject.js'
export type { Assigned, ClientDialect, Context, Frame, Received } from './dialect.js'
// What tests run in, and a server to test.
export type { Runner, Scope } from './runner.js'
export { type Build, type Env, type Mount, serve } from './serve.js'
export { alternate, type Totals, totals } from './nodes.js'
// Clients.
export { begin, Client, type Closing, connect, type Reachable, type Refusal, refusal, urlOf } from './client.js'
export { Actor, enter, enterBoth, type Entering } from './actors.js'
export { until } from './until.js'
// Frames that no honest client sends, and sockets without one.
export { type Malformed, malformed, misfits } from './malformed.js'
export { connectTcp, upgradeBytes } from './raw.js'
export { encodeFrame, type FrameOptions, opcodes, textFrame } from './websocket.js'
