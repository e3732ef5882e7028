// npm `peer` with its default options.
import { PeerServer } from 'peer'

PeerServer({ port: Number(process.env.PORT), host: '127.0.0.1' })
