// Two clients of each dialect meet on one port: `npm start` in one terminal, `npm run hello` in another.
import { once } from 'node:events'
import { WebSocket } from 'ws'

const url = process.argv[2] ?? 'ws://localhost:8080'
const sdp = { type: 'offer', sdp: 'v=0…' }

await scene('PeerJS', '/peerjs?key=peerjs&id=alice&token=1', '/peerjs?key=peerjs&id=bob&token=2', async (alice, bob) => {
  await alice.hears('OPEN')
  await bob.hears('OPEN')
  alice.says({ type: 'OFFER', payload: { sdp }, dst: 'bob' })
  await bob.hears('OFFER')
})

await scene('Rooms', '/', '/', async (alice, bob) => {
  alice.says({ type: 'create' })
  const { roomId } = await alice.hears('room_created')
  bob.says({ type: 'join', roomId })
  await bob.hears('room_joined')
  bob.says({ type: 'signal', payload: sdp })
  await alice.hears('signal')
})

await scene('PSync', '/ws', '/ws', async (alice, bob) => {
  alice.says({ type: 'register', source_id: 'alice', payload: { peer_id: 'alice', group_id: 'photos' } })
  await alice.hears('peer_list')
  bob.says({ type: 'register', source_id: 'bob', payload: { peer_id: 'bob', group_id: 'photos' } })
  await alice.hears('peer_joined')
  alice.says({ type: 'offer', source_id: 'alice', target_id: 'bob', payload: sdp })
  await bob.hears('offer')
})

await scene('Drone', '/', '/', async (alice, bob) => {
  alice.says({ type: 'register', id: 'drone-1' })
  await alice.hears('registered')
  bob.says({ type: 'register', id: 'operator' })
  await bob.hears('registered')
  bob.says({ type: 'offer', target: 'drone-1', sdp })
  await alice.hears('offer')
})

await scene('ToM', '/', '/', async (alice, bob) => {
  alice.says({ type: 'register', nodeId: 'a', username: 'alice' })
  await alice.hears('participants')
  bob.says({ type: 'register', nodeId: 'b', username: 'bob' })
  await alice.hears('presence')
  bob.says({ type: 'signal', from: 'b', to: 'a', payload: sdp })
  await alice.hears('signal')
})

async function scene (title, alicePath, bobPath, play) {
  console.log(`\n${title}`)
  const alice = await client('alice', alicePath)
  const bob = await client('bob  ', bobPath)
  await play(alice, bob)
  alice.leaves()
  bob.leaves()
}

async function client (name, path) {
  const socket = new WebSocket(url + path)
  const heard = []
  socket.on('message', (data) => { heard.push(JSON.parse(data)) })
  await once(socket, 'open')
  return {
    says (frame) {
      console.log(`  ${name} → ${JSON.stringify(frame)}`)
      socket.send(JSON.stringify(frame))
    },
    async hears (type) {
      while (true) {
        const frame = heard.shift()
        if (frame === undefined) await once(socket, 'message')
        else if (frame.type !== type) continue
        else {
          console.log(`  ${name} ← ${JSON.stringify(frame)}`)
          return frame
        }
      }
    },
    leaves: () => socket.close()
  }
}
