export const dialect = 'topics'

/** How a subscriber reads what is published: as clients of y-webrtc do, or as those of Trystero's ws-relay. */
export type Form = 'y-webrtc' | 'ws-relay'

export const forms = ['y-webrtc', 'ws-relay'] as const

/** A topic is a room for each form, so that one broadcast has one form. */
export function roomPrefixOf (form: Form): string {
  return `${dialect}/${form}/`
}
