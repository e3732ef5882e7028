import type { ClientDialect } from '../../../src/testing/dialect.js'
import { clients } from '../../../src/testing/clients.js'
import { sessionOf } from '../honest-dialects.js'
import { readersDisagree } from '../readers.js'
import {
  ask, type Attack, between, enter, flood, heard, mediumMs, openRoom, peerjsClient, pick, registered, type Scene, textFrame, unregistered
} from './scene.js'

/** Guesses of one address that may be answered within a minute: ten wrong ones, and a few right ones before the tenth. */
const guessesAllowed = 13

/** Frames with a name twice: a reader that takes the first sees something else than one that takes the last. */
function twofold (from: string, to: string): Array<{ dialect: ClientDialect, frames: string[] }> {
  const sdp = '"sdp":"y","payload":"y","candidate":"y"'
  const both = (name: string, value: string, other: string) => {
    const escaped = `\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}`
    const capitalised = name.charAt(0).toUpperCase() + name.slice(1)
    return [
      `"${name}":"${other}","${name}":"${value}"`,
      `"${name}":"${value}","${name}":"${other}"`,
      `"${name}":"${value}","${escaped}":"${other}"`,
      `"${escaped}":"${other}","${name}":"${value}"`,
      `"${name}":"${value}","${capitalised}":"${other}"`
    ]
  }
  return [
    {
      dialect: clients.tom,
      frames: [
        ...both('from', from, 'victim').map((members) => `{"type":"signal",${members},"to":"${to}",${sdp}}`),
        ...both('type', 'signal', 'role-assign').map((members) =>
          `{${members},"from":"${from}","to":"${to}","nodeId":"${from}","roles":["admin"],${sdp}}`)
      ]
    },
    {
      dialect: clients.psync,
      frames: [
        ...both('source_id', from, 'victim').map((members) => `{"type":"offer",${members},"target_id":"${to}",${sdp}}`),
        ...both('type', 'offer', 'peer_joined').map((members) => `{${members},"source_id":"${from}","target_id":"${to}",${sdp}}`)
      ]
    },
    {
      dialect: clients.drone,
      frames: [
        ...both('from', 'x', 'victim').map((members) => `{"type":"offer",${members},"target":"${to}",${sdp}}`),
        ...both('sessionId', 'one', 'another').map((members) => `{"type":"offer",${members},"target":"${to}",${sdp}}`),
        ...both('type', 'offer', 'registered').map((members) => `{${members},"target":"${to}",${sdp}}`)
      ]
    }
  ]
}

/** Payload sizes of mail, in bytes. Whatever is left in a mailbox, one of them fits. */
const sizes = [...Array<number>(4).fill(60_000), 16_000, 4000, 1000, ...Array<number>(80).fill(0)]

const filler = (bytes: number) => 'y'.repeat(bytes)

const guess = (scene: Scene): string => String(between(scene, 1000, 9999))

/** Attacks of one client on chosen others. */
export const others: readonly Attack[] = [
  {
    name: 'guess of a room id',
    everyMs: 1000,
    addresses: 4,
    async run (scene) {
      const guesses = Array.from({ length: 20 }, () => textFrame({ type: 'join', roomId: guess(scene) }))
      await ask(scene, unregistered('/rooms'), guesses, 'found one')
    }
  },
  {
    name: 'client that does not read',
    everyMs: 2000,
    addresses: 8,
    async run (scene) {
      const [reader, writer] = [registered(clients.drone, `${scene.id}-deaf`), registered(clients.drone, `${scene.id}-talker`)]
      const [deaf, talker] = [enter(scene, reader.path), enter(scene, writer.path)]
      if (!await deaf.letIn || !await talker.letIn) return scene.saw(await deaf.leave('its accomplice was not let in'))
      deaf.socket.write(reader.first)
      talker.socket.write(writer.first)
      await deaf.wait(200)
      deaf.socket.pause()
      talker.onText = (answer) => { if (answer.includes('"error"')) talker.go('was told') }
      const offer = clients.drone.offer('', `${scene.id}-deaf`, 'x'.repeat(60_000))
      await talker.flood(textFrame(offer), Math.min(mediumMs, scene.left()))
      await talker.leave()
      // It is closed when it has read nothing for 5 s, whatever its accomplice was told. The last frame says why.
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
      const mail = Array.from({ length: 16 }, (_, at) => textFrame(clients.peerjs.offer('', `nobody-${id}-${at}`, 'x'.repeat(4000))))
      await flood(scene, peerjsClient(id), Buffer.concat(mail), mediumMs)
    }
  },
  {
    name: 'many guesses at once',
    everyMs: 10_000,
    addresses: 64,
    async run (scene) {
      const owner = enter(scene, '/rooms')
      const roomId = await openRoom(owner, Math.min(5000, scene.left()))
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
        // The last thirty guesses are right.
        if (guesser.socket.writable) guesser.socket.write(textFrame({ type: 'join', roomId: at < 60 ? guess(scene) : roomId }))
      }
      await Promise.all(guessers.map(async (guesser) => await guesser.wait(Math.min(3000, scene.left()))))
      // Lucky guesses allow more wrong ones. When many rooms are open, the count proves nothing.
      if (lucky <= 3 && answered > guessesAllowed) scene.harmed('guesses answered beyond the limit', answered - guessesAllowed)
      for (const guesser of [owner, ...guessers]) await guesser.leave()
    }
  },
  {
    name: 'flooded slow reader',
    everyMs: 5000,
    addresses: 4,
    async run (scene) {
      const offer = clients.drone.offer('', scene.honest.slow, filler(60_000))
      await flood(scene, registered(clients.drone, scene.id), textFrame(offer), mediumMs)
    }
  },
  {
    name: 'sessions of others',
    everyMs: 2000,
    addresses: 4,
    async run (scene) {
      const { slow, partner } = scene.honest
      const session = sessionOf(slow, partner)
      const frames = [slow, partner].flatMap((target) => [
        // So many sessions that older ones have to end; then frames in the session of the two.
        ...Array.from({ length: 80 }, (_, n) => clients.drone.offer('', target, 'y', { session: `${scene.id}-${n}` })),
        clients.drone.offer('', target, 'y', { session }),
        clients.drone.candidate('', target, 'y', { session })
      ])
      await ask(scene, registered(clients.drone, scene.id), frames.map(textFrame), 'another error')
    }
  },
  {
    name: 'duplicate names in a frame',
    everyMs: 500,
    addresses: 4,
    async run (scene) {
      const [from, to] = [`${scene.id}-from`, `${scene.id}-to`]
      const { dialect, frames } = pick(scene, twofold(from, to))
      const { path, first } = registered(dialect, from, 'twofold')
      const [sender, receiver] = [enter(scene, path), enter(scene, path)]
      if (!await sender.letIn || !await receiver.letIn) return scene.saw(await sender.leave('its accomplice was not let in'))
      const welcome = heard(receiver, () => true)
      receiver.socket.write(registered(dialect, to, 'twofold').first)
      await welcome
      receiver.onText = (signal) => {
        if (!signal.includes('"y"')) return
        if (readersDisagree(signal)) scene.harmed('read in two ways')
        else scene.saw('one reading')
      }
      sender.onText = (answer) => { if (answer.includes('"error"')) scene.saw('answered with an error') }
      sender.socket.write(first)
      for (const twice of frames) sender.socket.write(textFrame(twice))
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
      const intruder = enter(scene, peerjsClient(scene.id).path)
      if (!await intruder.letIn) return scene.saw(await intruder.end)
      let refused = 0
      intruder.onText = (answer) => { if (answer.includes('EXPIRE')) refused++ }
      const until = performance.now() + Math.min(mediumMs, scene.left())
      while (performance.now() < until && intruder.socket.writable) {
        // Fills the mailbox by bytes first, then by frames.
        const mail = scene.honest.soon().flatMap((to) => sizes.map((bytes) => textFrame(clients.peerjs.offer('', to, filler(bytes)))))
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
      const intruders = Array.from({ length: 10 }, (_, at) => enter(scene, peerjsClient(`${scene.id}-${at}`).path))
      await Promise.all(intruders.map(async (intruder) => {
        if (!await intruder.letIn) return scene.saw(await intruder.end)
        const until = performance.now() + Math.min(mediumMs, scene.left())
        while (performance.now() < until && intruder.socket.writable) {
          const mail = Array.from({ length: 500 }, () => textFrame(clients.peerjs.offer('', `${scene.id}-nobody-${sent++}`, 0)))
          await intruder.flood(Buffer.concat(mail), 50)
        }
        scene.saw(await intruder.leave('stayed until it left'))
      }))
    }
  }
]
