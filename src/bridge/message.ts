import { Frame, type FrameLike } from '../frame/bytes.js'
import type { BridgeRefusal, Signal } from '../dialect/bridging.js'

/** The type of the frames that the two ends of a bridge exchange. No dialect has it, and no client gets such a frame. */
export const messageType = 'signalbox-bridge'

/** What the bridge on one peer's node tells the bridge on the other's. Both peers are named by their qualified ids. */
export interface Message {
  readonly call: string
  readonly from: string
  readonly to: string
  readonly says:
    /** `turns`, of an offer: who was called offers instead of answering. A `bye` without a name ends all calls of the two. */
    | { readonly signal: Signal, readonly name: string, readonly label?: string | undefined, readonly turns?: boolean }
    /** The call to `from` has not come about. */
    | { readonly refused: BridgeRefusal }
    /** The call is over at `from`, or was never known there. */
    | { readonly over: true }
    /** Whether `to` is there. That it can be delivered is the answer. */
    | { readonly asks: true }
}

/** The type stands first: where a frame is kept, it is found there. */
export function encode (message: Message): Frame {
  return new Frame(messageType, JSON.stringify({ type: messageType, ...message }))
}

/** The frame, if it is a message. */
export function messageIn (frame: FrameLike): Frame | undefined {
  return typeof frame === 'object' && !(frame instanceof Uint8Array) && frame.type === messageType ? frame : undefined
}

/** Only nodes write messages, so what is in one needs no check. */
export function decode ({ payload }: Frame): Message {
  return JSON.parse(String(payload)) as Message
}

/** The dialect that a qualified id begins with; '' of any other id. */
export function dialectOf (id: string): string {
  return id.slice(0, Math.max(0, id.indexOf(':')))
}
