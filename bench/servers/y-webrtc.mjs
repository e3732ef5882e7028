// The server that comes with y-webrtc. It listens on all addresses.
import '../../node_modules/y-webrtc/bin/server.js'
