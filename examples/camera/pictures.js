// RTP that another program sends to a port of this machine, passed on to any number of WebRTC connections. Nothing is encoded here.
import { createSocket } from 'node:dgram'
import { Audio, PeerConnection, RtcpNackResponder, Video } from 'node-datachannel'

const { RTP_PORT = '5004', CODEC = 'H264', ICE_SERVERS = 'stun:stun.l.google.com:19302' } = process.env
const format = CODEC === 'H264' ? 'packetization-mode=1' : ''
const ssrc = 1
/** The tracks that are shown, each with the number that its viewer has for our codec. */
const tracks = new Map()

/** The m-lines for pictures and sound of an offer, each with a codec that it offers: ours, if it is there. */
function linesOf (sdp) {
  return sdp.split(/^m=/m).filter((line) => /^(audio|video)/.test(line)).map((line) => {
    const offered = [...line.matchAll(/^a=rtpmap:(\d+) ([\w-]+)/mg)].map(([, type, name]) => {
      const [, parameters] = new RegExp(`^a=fmtp:${type} (.*\\w)`, 'm').exec(line) ?? []
      return parameters === undefined ? [Number(type), name] : [Number(type), name, parameters]
    })
    const ours = offered.find(([, name, parameters = '']) => name === CODEC && parameters.includes(format))
    return { isVideo: line.startsWith('video'), mid: /^a=mid:(\S+)/m.exec(line)?.[1], ours, codec: ours ?? offered[0] }
  })
}

/** Answers an offer with a connection that shows the pictures. Its handlers must not throw. */
export function show (id, offer, { onDescription, onCandidate, onConnected, onEnd }) {
  const lines = linesOf(offer)
  const shown = lines.find(({ isVideo, ours }) => isVideo && ours)
  if (shown === undefined) throw new Error(`no ${CODEC} is asked for`)
  const media = lines.map((line) => {
    const { isVideo, mid, codec } = line
    const media = isVideo ? new Video(mid, line === shown ? 'SendOnly' : 'Inactive') : new Audio(mid, 'Inactive')
    if (isVideo) media.addVideoCodec(...codec)
    else media.addAudioCodec(...codec)
    // With its stream, or the other end hears of a track without one.
    if (line === shown) media.addSSRC(ssrc, id, id, 'video')
    return media
  })
  const connection = new PeerConnection(id, { iceServers: ICE_SERVERS.split(',').filter(Boolean) })
  connection.onLocalDescription((sdp, type) => onDescription({ type, sdp }))
  connection.onLocalCandidate((candidate, sdpMid) => onCandidate({ candidate: candidate.replace(/^a=/, ''), sdpMid }))
  const track = media.map((one) => connection.addTrack(one))[lines.indexOf(shown)]
  // Sends again what was lost.
  track.setMediaHandler(new RtcpNackResponder())
  const close = () => {
    tracks.delete(track)
    connection.close()
  }
  try {
    // The answer comes by itself. It accepts a data channel, without which PeerJS hangs up.
    connection.setRemoteDescription(offer, 'offer')
  } catch (error) {
    close()
    throw error
  }
  tracks.set(track, shown.codec[0])
  connection.onStateChange((state) => {
    if (state === 'connected') onConnected()
    // A viewer that hangs up is `closed`; one that has vanished is `failed`, after half a minute.
    if (state === 'closed' || state === 'failed') onEnd()
  })
  const addCandidate = (candidate) => {
    if (candidate) connection.addRemoteCandidate(candidate.candidate ?? candidate, candidate.sdpMid ?? '')
  }
  return { close, addCandidate }
}

const last = { source: 0, number: 0, numberShift: 0, timeShift: 0 }
createSocket('udp4').bind(Number(RTP_PORT), '127.0.0.1').on('message', (packet) => {
  if (packet.length < 12) return
  const [number, time, source] = [packet.readUInt16BE(2), packet.readUInt32BE(4), packet.readUInt32BE(8)]
  // A source that has begun anew goes on where it was, or viewers would wait for what never comes. RTP counts pictures at 90 kHz.
  if (source !== last.source) {
    Object.assign(last, { source, numberShift: last.number + 1 - number, timeShift: Math.round(performance.now() * 90) - time })
  }
  last.number = (number + last.numberShift) & 0xffff
  packet.writeUInt16BE(last.number, 2)
  packet.writeUInt32BE((time + last.timeShift) >>> 0, 4)
  packet.writeUInt32BE(ssrc, 8)
  for (const [track, type] of tracks) {
    packet[1] = (packet[1] & 0x80) | type
    if (track.isOpen()) track.sendMessageBinary(packet)
  }
})
