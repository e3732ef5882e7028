import type { Info } from '../shared/server.js'

/** A call between dialects, which the demo offers beside them: the page that makes the link is a drone's camera, the other one PeerJS. */
export const bridge = {
  name: 'bridge',
  title: 'PeerJS sees a drone',
  summary: 'A page that speaks drone shows its camera, and a page with PeerJS calls it. Neither is changed for the other.'
} as const

/** What a page is in such a call. */
export type Role = 'camera' | 'viewer'

/** Whether PeerJS pages may call drones here. */
export function hasBridge ({ bridge, dialects }: Info): boolean {
  const isOn = (name: string) => dialects.some((dialect) => dialect.name === name)
  return isOn('peerjs') && isOn('drone') && ['peerjs-drone', 'drone-peerjs', 'peerjs>drone'].some((pair) => bridge.includes(pair))
}
