import { isDeepStrictEqual } from 'node:util'
import type { ClientDialect, Frame } from './dialect.js'
import type { Build, Env, Mount } from './serve.js'

/** A type that no dialect knows. */
export const nonsense = 'nonsense'

/** The errors by which a dialect answers frames that fit none. */
export interface SubjectErrors {
  /** The answer to what is not a JSON object, or no well-formed text. */
  readonly notJson: Frame
  /** The answer to an unknown type. `type` is cut to what an error may quote. */
  unknown (type: string): Frame
  /**
   * The answer to a `type` that is not text, or absent. By default it is that of an unknown type with this text. Undefined where the frame
   * is ignored.
   */
  untyped? (type: unknown): Frame | undefined
}

/** How a dialect's peers address each other. */
export interface Addressing {
  /** A signal that claims another sender: it is sent by `from`, who claims to be `victim`. */
  forged (from: string, victim: string, to: string): Frame
  /** The answer to it; absent where the server passes the signal on under the sender's real id. */
  readonly refusal?: Frame
  /** The answer to a signal for an absent peer. */
  vanished (from: string, to: string): Frame
  /** Whether a newer connection takes an id over from an older one. By default true. */
  readonly takesOver?: boolean
  /** Whether a frame announces that a peer has left. By default none does. */
  isLeave? (frame: Frame): boolean
}

/**
 * A dialect as the suite sees it: what its clients write and read, and what the contract says of it. A dialect that comes as a plugin
 * brings the function as `plugin`, and as `prefix` where it is mounted.
 */
export interface Subject extends Omit<ClientDialect, 'offer' | 'candidate' | 'takesNames'>, Partial<Mount> {
  /** Settings that the suite needs. A scenario adds its own. By default none. */
  readonly env?: Env
  /** How a server is built. By default it is the stock server in this process, with `plugin`. A `build` of your own mounts it itself. */
  readonly build?: Build
  /** False where the server assigns ids and places. By default true. */
  readonly takesNames?: boolean
  /** Whether everybody in a place ends with the first who does. By default false. */
  readonly endsTogether?: boolean
  /** A signal whose load may be any JSON value, and of any size. */
  signal (from: string, to: string, load: unknown, place?: string): Frame
  /**
   * A frame that a peer may send at any time and that has exactly one answer, and no other effect. By default it has an unknown type:
   * that will do where the error quotes the type.
   */
  question? (id: string): Frame
  /** Whether a frame is the answer to the question. By default it is if it is the error for the unknown type. */
  isAnswer? (frame: Frame): boolean
  /** Whether a frame is an error. By default it is if it has the type of `errors.notJson`. */
  isError? (frame: Frame): boolean
  readonly errors: SubjectErrors
  /**
   * Invalid frames of known types, with the answers. `long` and `dirty` are not valid ids: 257 units, and a control character. By
   * default none.
   */
  misfits? (id: string, long: string, dirty: string): Array<[frame: Frame, error: Frame]>
  /** Frames that the server ignores in silence. By default none. */
  readonly ignored?: readonly Frame[]
  /** Present where peers choose their ids. */
  readonly addressing?: Addressing
}

type Optional = 'env' | 'takesNames' | 'endsTogether' | 'question' | 'isAnswer' | 'isError' | 'misfits' | 'ignored'

/** A subject in which nothing that has a default is missing. */
export type CompleteSubject = Omit<Subject, Optional | 'errors'> & Required<Pick<Subject, Optional>> & {
  readonly errors: Required<SubjectErrors>
}

/** The subject with the defaults of what it leaves out. */
export function completed (subject: Subject): CompleteSubject {
  const { errors } = subject
  return {
    env: {},
    takesNames: true,
    endsTogether: false,
    question: () => ({ type: nonsense }),
    isAnswer: (frame) => isDeepStrictEqual(frame, errors.unknown(nonsense)),
    isError: ({ type }) => type === errors.notJson.type,
    misfits: () => [],
    ignored: [],
    ...subject,
    errors: { untyped: (type) => errors.unknown(String(type)), ...errors }
  }
}
