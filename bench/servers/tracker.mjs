// The server of npm `bittorrent-tracker` with its default options, over WebSocket alone.
import { Server } from 'bittorrent-tracker'

const server = new Server({ udp: false, http: false, stats: false })
server.on('warning', ({ message }) => process.stderr.write(`bittorrent-tracker: ${message}\n`))
server.listen(Number(process.env.PORT), '127.0.0.1')
