import { once } from 'node:events'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { build, type Client, connect, type Reachable } from '../helper.js'

const env = { MESSAGE_RATE: '1000000', MESSAGE_BURST: '1000000' }
const framesPerPair = 60

/** Ids that JSON escapes, that UTF-8 spells as others do in Latin-1, that look like members, and any others. */
const idPairs: ReadonlyArray<readonly [string, string]> = [
  ['alice', 'bob'],
  ['é', 'Ã©'],
  ['a"b', 'a\\b'],
  ['a\\"', '\\'],
  ['","from":"x', '","dst":"x'],
  ['zoë 😀', '\u{10ffff}'],
  ...fc.sample(fc.tuple(id(), id()).filter(([one, other]) => one !== other), { seed: 7, numRuns: 6 })
]

function id (): fc.Arbitrary<string> {
  return fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }).filter((text) => text.length <= 256 && !/[\p{Cc}\p{Cs}]/u.test(text))
}

/** A member as it stands in a frame: its name, escapes and all, and its value. */
interface Member {
  readonly written: string
  readonly name: string
  readonly value: unknown
}

/** The members of the object in a text, those that stand there twice included. */
function membersOf (text: string): Member[] {
  const members: Member[] = []
  let at = text.indexOf('{') + 1
  while (true) {
    const name = /^[\s,]*("(?:[^"\\]|\\.)*")\s*:\s*/.exec(text.slice(at))
    if (name === null) return members
    at += name[0].length
    const end = valueEnd(text, at)
    members.push({ written: (name[1] as string).slice(1, -1), name: JSON.parse(name[1] as string), value: JSON.parse(text.slice(at, end)) })
    at = end
  }
}

function valueEnd (text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const sign = text[at]
    if (sign === '"') {
      while (text[++at] !== '"') if (text[at] === '\\') at++
    } else if (sign === '{' || sign === '[') {
      depth++
    } else if (depth === 0 && (sign === ',' || sign === '}')) {
      return at
    } else if (sign === '}' || sign === ']') {
      depth--
    }
  }
  throw new Error(`no end in ${text}`)
}

/** How parsers in the field read a member: most take the last, some the first, some any case of it, some do not decode names. */
const readers: { [reader: string]: (members: readonly Member[], name: string) => unknown } = {
  last: (members, name) => members.findLast((member) => member.name === name)?.value,
  first: (members, name) => members.find((member) => member.name === name)?.value,
  'last of any case': (members, name) => members.findLast((member) => member.name.toLowerCase() === name.toLowerCase())?.value,
  'first of any case': (members, name) => members.find((member) => member.name.toLowerCase() === name.toLowerCase())?.value,
  'first without escapes': (members, name) => members.find(({ written }) => written === name)?.value
}

interface Pair {
  readonly sender: Client
  readonly receiver: Client
  /** What a client writes, in its order. */
  readonly members: ReadonlyArray<readonly [name: string, value: unknown]>
  /** Other values that an attacker would like the receiver to read. */
  readonly lies: Readonly<Record<string, readonly unknown[]>>
  /** What everybody must read. */
  readonly truth: Readonly<Record<string, unknown>>
}

const dialects: { [dialect: string]: (t: Test, to: Reachable, from: string, other: string) => Promise<Pair> } = {
  async tom (t, to, from, other) {
    const [sender, receiver] = [await connect(t, to, '/tom'), await connect(t, to, '/tom')]
    for (const [client, nodeId] of [[sender, from], [receiver, other]] as const) {
      client.send({ type: 'register', nodeId, username: 'u' })
      await client.nextThat(({ type, participants }) =>
        type === 'participants' && (participants as Array<{ nodeId: string }>).some((node) => node.nodeId === nodeId))
    }
    return {
      sender,
      receiver,
      members: [['type', 'signal'], ['from', from], ['to', other], ['payload', { type: 'offer', from: 'x' }]],
      lies: { type: ['role-assign', 'evil'], from: ['mallory', other], to: ['mallory', from], payload: [1] },
      truth: { type: 'signal', from, to: other }
    }
  },
  async psync (t, to, from, other) {
    const [sender, receiver] = [await connect(t, to, '/psync/ws'), await connect(t, to, '/psync/ws')]
    for (const [client, id] of [[sender, from], [receiver, other]] as const) {
      client.send({ type: 'register', source_id: id, payload: { peer_id: id, group_id: from } })
      await client.nextOf('peer_list')
    }
    return {
      sender,
      receiver,
      members: [['type', 'offer'], ['source_id', from], ['target_id', other], ['payload', { type: 'answer' }]],
      lies: { type: ['answer', 'peer_left'], source_id: ['mallory', other], target_id: ['mallory', from], payload: [1] },
      truth: { type: 'offer', source_id: from, target_id: other }
    }
  },
  async peerjs (t, to, from, other) {
    const open = async (id: string) => await connect(t, to, `/peerjs?key=peerjs&token=t&id=${encodeURIComponent(id)}`)
    const [sender, receiver] = [await open(from), await open(other)]
    for (const client of [sender, receiver]) await client.nextOf('OPEN')
    return {
      sender,
      receiver,
      members: [['type', 'OFFER'], ['payload', { type: 'data', dst: 'x' }], ['dst', other]],
      lies: { type: ['ANSWER', 'LEAVE', 'NeFER'], dst: ['mallory', from], src: ['mallory', other], payload: [1] },
      truth: { type: 'OFFER', src: from, dst: other }
    }
  },
  async rooms (t, to) {
    const [sender, receiver] = [await connect(t, to, '/rooms'), await connect(t, to, '/rooms')]
    sender.send({ type: 'create' })
    const { roomId, myId } = await sender.nextOf('room_created')
    receiver.send({ type: 'join', roomId })
    await receiver.nextOf('room_joined')
    return {
      sender,
      receiver,
      members: [['type', 'signal'], ['payload', { senderId: 'x' }]],
      lies: { type: ['room_joined', 'evil'], senderId: ['mallory'], payload: [1] },
      truth: { type: 'signal', senderId: myId }
    }
  },
  async drone (t, to, from, other) {
    const [sender, receiver] = [await connect(t, to, '/drone'), await connect(t, to, '/drone')]
    for (const [client, id] of [[sender, from], [receiver, other]] as const) {
      client.send({ type: 'register', id })
      await client.nextOf('registered')
    }
    return {
      sender,
      receiver,
      members: [['type', 'offer'], ['target', other], ['sdp', { type: 'answer' }], ['sessionId', 'one']],
      lies: {
        type: ['answer', 'registered'],
        target: ['mallory', from],
        from: ['mallory', other],
        sessionId: ['another'],
        sdp: [{ sdp: 1 }]
      },
      truth: { type: 'offer', from, sessionId: 'one' }
    }
  }
}

/** Writes a name as it is, with one of its letters escaped, or in another case. */
const spellings = [
  (name: string) => name,
  (name: string) => `\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}`,
  (name: string) => name.toUpperCase(),
  (name: string) => `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`
]

/** A client's frame with up to three more members put in, and now and then one of its own written otherwise. */
function hostileFrames ({ members, lies }: Pair): fc.Arbitrary<string> {
  const lie = fc.constantFrom(...Object.keys(lies)).chain((name) => fc.record({
    at: fc.nat(members.length),
    name: fc.constantFrom(...spellings).map((spell) => spell(name)),
    value: fc.constantFrom(...lies[name] as unknown[], ...members.filter(([own]) => own === name).map(([, value]) => value))
  }))
  return fc.record({
    lies: fc.array(lie, { maxLength: 3 }),
    space: fc.constantFrom('', ' '),
    respelt: fc.option(fc.nat(members.length - 1), { freq: 6 })
  }).map(({ lies, space, respelt }) => {
    const written = members.map(([name, value], at) => [
      at === respelt ? (spellings[1] as (name: string) => string)(name) : name, value
    ] as const)
    for (const { at, name, value } of lies) written.splice(at, 0, [name, value])
    return `{${written.map(([name, value]) => `"${name}":${space}${JSON.stringify(value)}`).join(`,${space}`)}}`
  })
}

/** What the receiver gets of a frame, as text; undefined when it was refused. A good frame behind it tells when to look. */
async function relayed ({ sender, receiver, members }: Pair, text: string, number: number): Promise<string | undefined> {
  const got: string[] = []
  const mark = `mark ${number}`
  const done = new Promise<void>((resolve) => {
    const take = (data: unknown): void => {
      const arrived = String(data)
      if (arrived.includes(mark)) {
        receiver.socket.off('message', take)
        resolve()
      } else {
        got.push(arrived)
      }
    }
    receiver.socket.on('message', take)
  })
  sender.send(text)
  sender.send(Object.fromEntries(members.map(([name, value]) => [name, name === 'payload' || name === 'sdp' ? { mark } : value])))
  await done
  return got.find((arrived) => /"(signal|offer|OFFER|answer|ANSWER)"/.test(arrived))
}

for (const [dialect, make] of Object.entries(dialects)) {
  t.test(`${dialect}: whoever reads a signal reads the type, sender, receiver and session that were checked`, async (t) => {
    const app = await build(t, env)
    let arrived = 0
    for (const [at, [from, to]] of idPairs.entries()) {
      const pair = await make(t, app, from, to)
      for (const [number, text] of fc.sample(hostileFrames(pair), { seed: at, numRuns: framesPerPair }).entries()) {
        const got = await relayed(pair, text, number)
        if (got === undefined) continue
        const members = membersOf(got)
        // What a checked type other than the pair's usual says is its own.
        const { type } = JSON.parse(text) as { type: string }
        const truth = { ...pair.truth, type }
        if (dialect === 'drone') Object.assign(truth, { sessionId: (JSON.parse(text) as { sessionId?: string }).sessionId })
        arrived++
        for (const [name, value] of Object.entries(truth)) {
          for (const [reader, read] of Object.entries(readers)) {
            if (read(members, name) !== value) t.fail(`${reader} ${name} of ${got}, which came of ${text}`)
          }
        }
        t.equal(new Set(members.map(({ name }) => name)).size, members.length, 'each name once')
      }
      for (const client of [pair.sender, pair.receiver]) await client.close()
    }
    t.ok(arrived > 100, `${arrived} signals arrived`)
  })
}

t.test('no client’s text is a metric’s label, whatever its frames look like', async (t) => {
  const app = await build(t, env)
  const pair = await (dialects.peerjs as NonNullable<typeof dialects.peerjs>)(t, app, 'alice', 'bob')
  for (const type of ['evil', 'NeFER', 'O\\u0046FER']) {
    pair.sender.send(`{"type":"${type}","payload":1,"dst":"bob","type":"OFFER"}`)
    const [data] = await once(pair.receiver.socket, 'message') as [Buffer]
    t.same(membersOf(String(data)).filter(({ name }) => name === 'type').map(({ value }) => value), ['OFFER'])
  }
  const { sent } = app.signalbox.dialects.get('peerjs')?.traffic ?? {}
  t.same([...sent ?? []], [['OPEN', 2], ['OFFER', 3]])
})
