import { type Bridging, type CallClient, Frame, type JsonObject, type Signal } from '../../src/kit.js'

/** What a session is told, by its call or by a request for it. Its text is the answer, a `Candidate`, candidates of the client, or why. */
export type News = 'answer' | 'candidate' | 'end' | 'bye' | 'refused' | 'trickle' | 'delete'

/** How a client over HTTP calls peers of other dialects. None of them can call it. */
export function httpBridging (room: string): Bridging<CallClient> {
  return {
    kinds: ['media'],
    keepsEarly: true,
    namesCalls: false,
    hearsLoss: true,
    addressOf: (_room, id) => id,
    placeOf: (id) => ({ room, id }),
    nameOf: ({ id }) => id,
    // Only a session writes them.
    read: (signal: JsonObject) => ({ signal: signal as unknown as Signal }),
    // Whoever has offered over HTTP cannot answer.
    write: (signal) => signal.kind === 'offer' ? [] : [news(signal.kind as News, 'sdp' in signal ? signal.sdp : JSON.stringify(signal))],
    refuse: (client, why) => { client.deliver(news('refused', why)) }
  }
}

/** Within the server. No client gets such a frame. */
export function news (type: News, text: string): Frame {
  return new Frame(type, text)
}
