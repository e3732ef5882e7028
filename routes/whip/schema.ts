import { Type } from '../../src/kit.js'

/** What requests are refused with. */
export const errorMessages = {
  absent: 'Nobody has that name, or may be called',
  gone: 'There is no such session',
  malformed: 'Not a session description',
  malformedFragment: 'Not an SDP fragment',
  wrongDirection: 'The direction of the media does not fit',
  impossible: 'Cannot be passed to another dialect',
  restart: 'ICE restarts are not supported',
  mismatch: 'Another ICE session',
  unnamed: 'Neither If-Match nor ice-ufrag names the ICE session',
  unanswered: 'No answer came in time',
  unavailable: 'Other nodes cannot be reached',
  draining: 'Draining',
  method: 'Method not allowed'
}

export const TargetSchema = Type.Object({
  target: Type.String({ description: 'Who is called: `<dialect>:<id>`, such as `peerjs:alice`' })
})

export const SessionSchema = Type.Object({
  ...TargetSchema.properties,
  session: Type.String({ description: 'Of the `Location` that the call was answered with' })
})

const ErrorBody = Type.Object({ error: Type.String() })

const sdp = { content: { 'application/sdp': { schema: Type.String({ description: 'A session description' }) } } }

const fragment = { content: { 'application/trickle-ice-sdpfrag': { schema: Type.String({ description: 'Candidates of the client' }) } } }

function refusals (...statuses: number[]): Record<number, typeof ErrorBody> {
  return Object.fromEntries(statuses.map((status) => [status, ErrorBody]))
}

const nothing = Type.Null({ description: 'Nothing' })

export const callRoute = {
  summary: 'Calls a peer of another dialect, and waits for its answer',
  description: 'The answer has all candidates. `Location` names the session, `ETag` its ICE session, and `Link` the ICE servers.',
  params: TargetSchema,
  body: sdp,
  response: { 201: sdp, ...refusals(400, 401, 403, 404, 413, 415, 422, 429, 503, 504) }
}

export const trickleRoute = {
  summary: 'Tells who was called further candidates of the client',
  params: SessionSchema,
  body: fragment,
  response: { 204: nothing, ...refusals(400, 401, 403, 404, 412, 413, 415, 422, 428, 429, 503) }
}

export const endRoute = {
  summary: 'Ends a session: who was called is told',
  params: SessionSchema,
  response: { 200: nothing, ...refusals(401, 403, 404, 429, 503) }
}
