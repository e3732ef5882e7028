import { text } from '../intruder.js'
import { readersDisagree } from '../readers.js'
import { type Attack, between, enter, flood, heard, mediumMs, pick, registered, type Scene } from './scene.js'

/** Guesses from one address that may be answered in a minute: ten that are wrong, and a few that are right before the tenth. */
const guessesAllowed = 13

/** Frames in which readers of the first of two equal names see something else than readers of the last. */
function twofold (from: string, to: string): Array<{ path: string, first: (id: string) => string | Buffer, frames: string[] }> {
  const sdp = '"sdp":"y","payload":"y","candidate":"y"'
  const both = (name: string, value: string, other: string) => [
    `"${name}":"${other}","${name}":"${value}"`,
    `"${name}":"${value}","${name}":"${other}"`,
    `"${name}":"${value}","\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}":"${other}"`,
    `"\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}":"${other}","${name}":"${value}"`,
    `"${name}":"${value}","${name.charAt(0).toUpperCase()}${name.slice(1)}":"${other}"`
  ]
  return [
    {
      path: '/tom',
      first: registered.tom,
      frames: [
        ...both('from', from, 'victim').map((members) => `{"type":"signal",${members},"to":"${to}",${sdp}}`),
        ...both('type', 'signal', 'role-assign').map((members) => `{${members},"from":"${from}","to":"${to}","nodeId":"${from}","roles":["admin"],${sdp}}`)
      ]
    },
    {
      path: '/psync/ws',
      first: (id) => registered.psync(id, 'twofold'),
      frames: [
        ...both('source_id', from, 'victim').map((members) => `{"type":"offer",${members},"target_id":"${to}",${sdp}}`),
        ...both('type', 'offer', 'peer_joined').map((members) => `{${members},"source_id":"${from}","target_id":"${to}",${sdp}}`)
      ]
    },
    {
      path: '/drone',
      first: registered.drone,
      frames: [
        ...both('from', 'x', 'victim').map((members) => `{"type":"offer",${members},"target":"${to}",${sdp}}`),
        ...both('sessionId', 'one', 'another').map((members) => `{"type":"offer",${members},"target":"${to}",${sdp}}`),
        ...both('type', 'offer', 'registered').map((members) => `{${members},"target":"${to}",${sdp}}`)
      ]
    }
  ]
}

/** Of mail: whatever is left in a mailbox, one of them fits. */
const sizes = [...Array<number>(4).fill(60_000), 16_000, 4000, 1000, ...Array<number>(80).fill(0)]

/** Signals for who is on a slow line, or not there. */
const filler = (bytes: number) => 'y'.repeat(bytes)

async function talkTo (scene: Scene, bytes: (target: string) => Buffer): Promise<void> {
  const { slow } = scene.honest
  await flood(scene, '/drone', registered.drone(scene.id), bytes(slow), mediumMs)
}

/** What one client does to chosen others. */
export const others: readonly Attack[] = [
  {
    name: 'guess of a room id',
    everyMs: 1000,
    addresses: 4,
    async run (scene) {
      const intruder = enter(scene, '/rooms')
      if (!await intruder.letIn) return scene.saw(await intruder.end)
      intruder.onText = (answer) => scene.saw((JSON.parse(answer) as { message?: string }).message ?? 'found one')
      for (let guess = 0; guess < 20; guess++) intruder.socket.write(text({ type: 'join', roomId: String(between(scene, 1000, 9999)) }))
      await intruder.wait(Math.min(2000, scene.left()))
      await intruder.leave()
    }
  },
  {
    name: 'client that does not read',
    everyMs: 2000,
    addresses: 8,
    async run (scene) {
      const [deaf, talker] = [enter(scene, '/drone'), enter(scene, '/drone')]
      if (!await deaf.letIn || !await talker.letIn) return scene.saw(await deaf.leave('its accomplice was not let in'))
      deaf.socket.write(registered.drone(`${scene.id}-deaf`))
      talker.socket.write(registered.drone(`${scene.id}-talker`))
      await deaf.wait(200)
      deaf.socket.pause()
      talker.onText = (answer) => { if (answer.includes('"error"')) talker.go('was told') }
      await talker.flood(text({ type: 'offer', target: `${scene.id}-deaf`, sdp: 'x'.repeat(60_000) }), Math.min(mediumMs, scene.left()))
      await talker.leave()
      // Closed when it has read nothing for 5 s, whatever its accomplice was told. What comes last is why.
      await deaf.wait(Math.min(7000, scene.left()))
      deaf.socket.resume()
      await deaf.wait(2000)
      scene.saw(await deaf.leave('not stopped'))
    }
  },
  {
    name: 'mail for absent peers',
    everyMs: 3000,
    addresses: 4,
    async run (scene) {
      const { id } = scene
      await flood(scene, `/peerjs?key=peerjs&id=${id}`, text({ type: 'HEARTBEAT' }), Buffer.concat(Array.from({ length: 16 }, (_, at) => text({ type: 'OFFER', dst: `nobody-${id}-${at}`, payload: 'x'.repeat(4000) }))), mediumMs)
    }
  },
  {
    name: 'many guesses at once',
    everyMs: 10_000,
    addresses: 64,
    async run (scene) {
      const owner = enter(scene, '/rooms')
      const created = heard(owner, (answer) => answer.includes('room_created'), Math.min(5000, scene.left()))
      owner.socket.write(text({ type: 'create' }))
      const { roomId } = JSON.parse(await created ?? '{}') as { roomId?: string }
      if (roomId === undefined) return scene.saw(await owner.leave('no room'))
      const guessers = Array.from({ length: 90 }, () => enter(scene, '/rooms'))
      let answered = 0
      let lucky = 0
      await Promise.all(guessers.map(async ({ letIn }) => await letIn))
      for (const [at, guesser] of guessers.entries()) {
        guesser.onText = (answer) => {
          const { type, message = type } = JSON.parse(answer) as { type: string, message?: string }
          scene.saw(message)
          if (message === 'Room not found' || message === 'room_joined') answered++
          if (at < 60 && message === 'room_joined') lucky++
        }
        // The last ones are right.
        if (guesser.socket.writable) guesser.socket.write(text({ type: 'join', roomId: at < 60 ? String(between(scene, 1000, 9999)) : roomId }))
      }
      await Promise.all(guessers.map(async (guesser) => await guesser.wait(Math.min(3000, scene.left()))))
      // Who is a member in many rooms may be wrong as often: that tells nothing where every other code is a room.
      if (lucky <= 3 && answered > guessesAllowed) scene.harmed('guesses answered beyond the limit', answered - guessesAllowed)
      for (const guesser of [owner, ...guessers]) await guesser.leave()
    }
  },
  {
    name: 'flooded slow reader',
    everyMs: 5000,
    addresses: 4,
    run: async (scene) => await talkTo(scene, (target) => text({ type: 'offer', target, sdp: filler(60_000) }))
  },
  {
    name: 'sessions of others',
    everyMs: 2000,
    addresses: 4,
    async run (scene) {
      const { slow, partner } = scene.honest
      const intruder = enter(scene, '/drone')
      if (!await intruder.letIn) return scene.saw(await intruder.end)
      const own = [slow, partner].sort().join('+')
      intruder.onText = (answer) => scene.saw((JSON.parse(answer) as { message?: string }).message ?? 'another error')
      intruder.socket.write(registered.drone(scene.id))
      // So many that others have to end; and then under their name.
      for (const target of [slow, partner]) {
        for (let n = 0; n < 80; n++) intruder.socket.write(text({ type: 'offer', target, sdp: 'y', sessionId: `${scene.id}-${n}` }))
        intruder.socket.write(text({ type: 'offer', target, sdp: 'y', sessionId: own }))
        intruder.socket.write(text({ type: 'ice', target, candidate: 'y', sessionId: own }))
      }
      await intruder.wait(Math.min(2000, scene.left()))
      await intruder.leave()
    }
  },
  {
    name: 'duplicate names in a frame',
    everyMs: 500,
    addresses: 4,
    async run (scene) {
      const [from, to] = [`${scene.id}-from`, `${scene.id}-to`]
      const { path, first, frames } = pick(scene, twofold(from, to))
      const [sender, receiver] = [enter(scene, path), enter(scene, path)]
      if (!await sender.letIn || !await receiver.letIn) return scene.saw(await sender.leave('its accomplice was not let in'))
      const welcome = heard(receiver, () => true)
      receiver.socket.write(first(to))
      await welcome
      receiver.onText = (signal) => {
        if (!signal.includes('"y"')) return
        if (readersDisagree(signal)) scene.harmed('read in two ways')
        else scene.saw('one reading')
      }
      sender.onText = (answer) => { if (answer.includes('"error"')) scene.saw('answered with an error') }
      sender.socket.write(first(from))
      for (const twice of frames) sender.socket.write(text(twice))
      await sender.wait(Math.min(1000, scene.left()))
      await sender.leave()
      await receiver.leave()
    }
  },
  {
    name: 'mail for newcomers',
    // Never four at a time: each may fill a quarter of a mailbox.
    everyMs: 6000,
    addresses: 4,
    async run (scene) {
      const intruder = enter(scene, `/peerjs?key=peerjs&id=${scene.id}`)
      if (!await intruder.letIn) return scene.saw(await intruder.end)
      let refused = 0
      intruder.onText = (answer) => { if (answer.includes('EXPIRE')) refused++ }
      const until = performance.now() + Math.min(mediumMs, scene.left())
      while (performance.now() < until && intruder.socket.writable) {
        // As many bytes as fit, and then as many frames.
        const mail = scene.honest.soon().flatMap((dst) => sizes.map((bytes) => text({ type: 'OFFER', dst, payload: filler(bytes) })))
        intruder.socket.write(Buffer.concat(mail))
        await intruder.wait(500)
      }
      if (refused > 0) scene.saw('told EXPIRE', refused)
      scene.saw(await intruder.leave('stayed until it left'))
    }
  },
  {
    name: 'mail for a million names',
    everyMs: 2500,
    addresses: 4,
    async run (scene) {
      let sent = 0
      const intruders = Array.from({ length: 10 }, (_, at) => enter(scene, `/peerjs?key=peerjs&id=${scene.id}-${at}`))
      await Promise.all(intruders.map(async (intruder) => {
        if (!await intruder.letIn) return scene.saw(await intruder.end)
        const until = performance.now() + Math.min(mediumMs, scene.left())
        while (performance.now() < until && intruder.socket.writable) {
          await intruder.flood(Buffer.concat(Array.from({ length: 500 }, () => text({ type: 'OFFER', dst: `${scene.id}-nobody-${sent++}`, payload: 0 }))), 50)
        }
        scene.saw(await intruder.leave('stayed until it left'))
      }))
    }
  }
]
