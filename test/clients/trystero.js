/** A peer of Trystero, from its own package: joins a room by the trackers that it is told, and says who it met and what it heard. */
import { RTCPeerConnection } from 'webrtc-polyfill'
import { WebSocket } from 'ws'

globalThis.WebSocket = WebSocket
const { joinRoom, selfId } = await import('@trystero-p2p/torrent')

const relayConfig = { urls: process.argv.slice(2) }
const room = joinRoom({ appId: 'signalbox', relayConfig, rtcPolyfill: RTCPeerConnection, rtcConfig: { iceServers: [] } }, 'room')
const greeting = room.makeAction('greeting')
const say = (fact) => console.log(JSON.stringify(fact))
say({ self: selfId })
room.onPeerJoin = (peer) => greeting.send(`hello from ${selfId}`, { target: peer })
greeting.onMessage = (text, { peerId }) => say({ heard: text, from: peerId })
