import { Link } from './link.js'

/** What the example defines; its handlers it leaves to the page. */
declare function sendOffer (targetId: string, sdpOffer: string | undefined): void
declare function sendAnswer (targetId: string, sdpAnswer: string | undefined): void
declare function sendICE (targetId: string, candidate: RTCIceCandidateInit | null): void

let otherId: string

const link = new Link({
  description: ({ type, sdp }) => type === 'offer' ? sendOffer(otherId, sdp) : sendAnswer(otherId, sdp),
  candidate: (candidate) => sendICE(otherId, candidate)
})

Object.assign(globalThis, {
  handleOffer (sdp: string, from: string) {
    otherId = from
    link.takeDescription({ type: 'offer', sdp })
  },
  handleAnswer (sdp: string) {
    link.takeDescription({ type: 'answer', sdp })
  },
  handleICE (candidate: RTCIceCandidateInit | null) {
    link.takeCandidate(candidate)
  }
})

export async function call (id: string): Promise<void> {
  otherId = id
  await link.offer()
}

export async function exchange (text: string): Promise<string> {
  return await link.exchange(text)
}
