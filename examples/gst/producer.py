#!/usr/bin/python3
"""A producer that speaks gst: producer.py [--server wss://example.com/gst] [--source 'v4l2src ! videoconvert']"""
import argparse
import asyncio
import json

import gi
gi.require_version('Gst', '1.0')
gi.require_version('GstSdp', '1.0')
gi.require_version('GstWebRTC', '1.0')
from gi.repository import Gst, GstSdp, GstWebRTC
import websockets

options = argparse.ArgumentParser(description='Shows a picture to whoever asks')
options.add_argument('--server', default='ws://localhost:8080/gst')
options.add_argument('--name', default='camera')
options.add_argument('--source', default='videotestsrc is-live=true pattern=ball ! videoconvert')
options.add_argument('--stun', help='such as stun://stun.l.google.com:19302')
options = options.parse_args()

PIPELINE = f'''webrtcbin name=peer bundle-policy=max-bundle {f'stun-server={options.stun}' if options.stun else ''}
  {options.source} ! video/x-raw,framerate=[1/1,30/1] ! queue leaky=downstream !
  vp8enc deadline=1 cpu-used=8 keyframe-max-dist=60 error-resilient=partitions ! rtpvp8pay picture-id-mode=15-bit'''


class Session:
    """One consumer: a pipeline of its own. GStreamer calls back on threads of its own, so what it says goes to the loop."""

    def __init__(self, session_id, offer, send):
        self.id, self.send, self.loop = session_id, send, asyncio.get_running_loop()
        text = offer and GstSdp.SDPMessage.new_from_text(offer)[1]
        self.pipeline = Gst.parse_launch(f'{PIPELINE} ! {caps_for(text)} ! peer.')
        self.peer = self.pipeline.get_by_name('peer')
        self.peer.connect('on-ice-candidate', lambda _, line, text: self.say({'ice': {'candidate': text, 'sdpMLineIndex': line}}))
        if text is None:
            self.peer.connect('on-negotiation-needed', lambda _: self.describe('offer'))
        self.pipeline.set_state(Gst.State.PLAYING)
        if text is not None:
            self.take('offer', text, lambda _: self.describe('answer'))

    def say(self, what):
        self.loop.call_soon_threadsafe(self.send, {'type': 'peer', 'sessionId': self.id, **what})

    def describe(self, kind):
        def created(promise):
            reply = promise.get_reply()
            description = reply.get_value(kind)  # It lives as long as the reply.
            self.peer.emit('set-local-description', description, Gst.Promise.new())
            self.say({'sdp': {'type': kind, 'sdp': description.sdp.as_text()}})
        self.peer.emit(f'create-{kind}', None, Gst.Promise.new_with_change_func(created))

    def take(self, kind, text, then=lambda _: None):
        described = GstWebRTC.WebRTCSessionDescription.new(getattr(GstWebRTC.WebRTCSDPType, kind.upper()), text)
        self.peer.emit('set-remote-description', described, Gst.Promise.new_with_change_func(then))

    def hear(self, sdp, ice):
        if sdp is not None:
            self.take(sdp['type'], GstSdp.SDPMessage.new_from_text(sdp['sdp'])[1])
        if ice is not None and ice['candidate']:
            self.peer.emit('add-ice-candidate', ice['sdpMLineIndex'], ice['candidate'])


def caps_for(offer):
    """An answer has to use the number that the offer gave to VP8."""
    lines = [] if offer is None else offer.as_text().splitlines()
    numbers = [line.split(':')[1].split()[0] for line in lines if line.startswith('a=rtpmap:') and ' VP8/' in line]
    return f'application/x-rtp,media=video,encoding-name=VP8,payload={numbers[0] if numbers else 96}'


async def serve(socket, sessions):
    send = lambda frame: asyncio.ensure_future(socket.send(json.dumps(frame)))
    async for text in socket:
        frame = json.loads(text)
        kind, session = frame['type'], sessions.get(frame.get('sessionId'))
        if kind == 'welcome':
            send({'type': 'setPeerStatus', 'roles': ['producer'], 'meta': {'name': options.name}})
            print('here as', frame['peerId'], flush=True)
        elif kind == 'startSession':
            sessions[frame['sessionId']] = Session(frame['sessionId'], frame.get('offer'), send)
        elif kind == 'peer' and session:
            session.hear(frame.get('sdp'), frame.get('ice'))
        elif kind == 'endSession' and session:
            sessions.pop(frame['sessionId']).pipeline.set_state(Gst.State.NULL)
        elif kind == 'error':
            print(frame['details'])


async def main():
    async for socket in websockets.connect(options.server):  # Again and again, after longer and longer pauses.
        sessions = {}
        try:
            await serve(socket, sessions)
        except websockets.ConnectionClosedError:
            pass
        for session in sessions.values():
            session.pipeline.set_state(Gst.State.NULL)

Gst.init(None)
asyncio.run(main())
