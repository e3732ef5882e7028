import { type Static, type TLiteral, Type } from '@sinclair/typebox'
import { Frame, quote } from '../../src/kit.js'

/** The most hashes of a scrape, as over UDP. @see https://www.bittorrent.org/beps/bep_0015.html */
export const maxScraped = 74

/** A hash or a peer id: any text, control characters included. Real ones are 20 bytes as code points. */
const BinarySchema = Type.String({ minLength: 1, maxLength: 256 })

const hash = 'aaaaaaaaaaaaaaaaaaaa'
const [alice, bob] = ['-WW0200-alice0000001', '-WW0200-bob000000001']
const offer = { type: 'offer', sdp: 'v=0…' }
const answer = { type: 'answer', sdp: 'v=0…' }

const announce = Type.Literal('announce')
const OfferSchema = Type.Object({ offer: Type.Unknown(), offer_id: BinarySchema })

/** What a client may send. An announce with an answer is a frame of its own. */
export const frames = {
  announce: Type.Object({
    action: announce,
    info_hash: BinarySchema,
    peer_id: BinarySchema,
    offers: Type.Optional(Type.Union([Type.Array(OfferSchema), Type.Null()])),
    event: Type.Optional(Type.Unknown()),
    left: Type.Optional(Type.Unknown())
  }, {
    examples: [
      {
        action: 'announce', info_hash: hash, peer_id: alice, event: 'started', left: 1234, numwant: 1, offers: [{ offer, offer_id: 'o1' }]
      },
      { action: 'announce', info_hash: hash, peer_id: alice, event: 'stopped', left: 0 }
    ]
  }),
  answer: Type.Object({
    action: announce,
    info_hash: BinarySchema,
    peer_id: BinarySchema,
    to_peer_id: BinarySchema,
    answer: Type.Unknown(),
    offer_id: BinarySchema
  }, { examples: [{ action: 'announce', info_hash: hash, peer_id: bob, to_peer_id: alice, answer, offer_id: 'o1' }] }),
  scrape: Type.Object({
    action: Type.Literal('scrape'),
    info_hash: Type.Union([BinarySchema, Type.Array(BinarySchema, { minItems: 1, maxItems: maxScraped })])
  }, { examples: [{ action: 'scrape', info_hash: [hash] }] })
}

const CountsSchema = { complete: Type.Integer({ minimum: 0 }), incomplete: Type.Integer({ minimum: 0 }) }

const relayed = <Name extends 'offer' | 'answer'>(name: Name, example: object) => Type.Object({
  action: announce,
  info_hash: BinarySchema,
  peer_id: BinarySchema,
  offer_id: BinarySchema,
  [name]: Type.Unknown()
}, { examples: [example] })

/** What a client gets. */
export const sends = {
  announce: Type.Object({
    complete: CountsSchema.complete,
    incomplete: CountsSchema.incomplete,
    action: announce,
    info_hash: BinarySchema,
    interval: Type.Integer({ minimum: 1 })
  }, {
    additionalProperties: false,
    examples: [{ action: 'announce', info_hash: hash, interval: 120, complete: 1, incomplete: 2 }]
  }),
  offer: relayed('offer', { action: 'announce', info_hash: hash, peer_id: alice, offer, offer_id: 'o1' }),
  answer: relayed('answer', { action: 'announce', info_hash: hash, peer_id: bob, to_peer_id: alice, answer, offer_id: 'o1' }),
  scrape: Type.Object({
    action: Type.Literal('scrape'),
    files: Type.Record(Type.String(), Type.Object({
      ...CountsSchema,
      downloaded: Type.Integer({ minimum: 0 })
    }, { additionalProperties: false })),
    flags: Type.Object({ min_request_interval: Type.Integer() }, { additionalProperties: false })
  }, {
    additionalProperties: false,
    examples: [{
      action: 'scrape',
      files: { [hash]: { complete: 1, incomplete: 2, downloaded: 1 } },
      flags: { min_request_interval: 120 }
    }]
  }),
  failure: Type.Object({
    action: announce as TLiteral<'announce'>,
    'failure reason': Type.String(),
    info_hash: Type.String()
  }, {
    additionalProperties: false,
    examples: [{ action: 'announce', 'failure reason': 'peer not found', info_hash: hash }]
  })
}

/** A failure. Without an action it would cost the client its socket, and without a hash one in Node ends with an error. */
export function failure (reason: string, hash = ''): Frame {
  const frame: Static<typeof sends.failure> = { action: 'announce', 'failure reason': reason, info_hash: hash }
  return new Frame('failure', JSON.stringify(frame))
}

const notJson = 'not a JSON object with an action'

/** This dialect's sentences. */
export const errorMessages = {
  notJson,
  unknownType: (type: unknown) => type === undefined ? notJson : `unknown action: ${quote(type)}`,
  malformed: (type: string) => ({
    announce: 'invalid info_hash, peer_id or offers',
    answer: 'invalid info_hash, peer_id, to_peer_id or offer_id'
  })[type] ?? `a scrape names 1 to ${maxScraped} hashes`,
  badEvent: 'invalid event',
  taken: 'peer_id is taken',
  limited: 'too many swarms',
  notAnnounced: 'peer_id has not announced',
  absent: 'peer not found',
  internal: 'internal error'
}
