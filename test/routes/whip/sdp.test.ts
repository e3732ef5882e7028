import fc from 'fast-check'
import t from 'tap'
import { fold, readFragment } from '../../../routes/whip/sdp.js'
import { answer } from './caller.js'

const [video, audio] = ['m=video 9 UDP/TLS/RTP/SAVPF 96\na=mid:v\n', 'm=audio 9 UDP/TLS/RTP/SAVPF 111\na=mid:a\n']
const head = 'v=0\no=- 1 2 IN IP4 127.0.0.1\ns=-\nt=0 0\n'
const kind = 'candidate' as const

t.test('without a bundle, each m-line has its own candidates, and the line ends are those of the description', async (t) => {
  const sdp = head + video + audio
  t.equal(fold(sdp, [
    { kind, candidate: 'candidate:1', mid: 'a' }, { kind, candidate: 'candidate:2', index: 0 },
    { kind, candidate: 'a=candidate:3', index: 1 }
  ]), `${head}${video}a=candidate:2\na=end-of-candidates\n${audio}a=candidate:1\na=candidate:3\na=end-of-candidates\n`)
})

t.test('in a bundle, the first m-line of the group has them, once', async (t) => {
  const session = `${head}a=group:BUNDLE a v\n`
  const both = ['v', 'a'].map((mid) => ({ kind, candidate: 'candidate:1', mid }))
  t.equal(fold(session + video + audio, both), `${session}${video}${audio}a=candidate:1\na=end-of-candidates\n`)
  const has = `${session}${video}${audio}a=candidate:1\n`
  t.equal(fold(has, both), `${has}a=end-of-candidates\n`, 'not where it is there already')
})

t.test('what is no candidate is not written, and none at all is the end of them', async (t) => {
  const bad = ['candidate:1\r\na=fingerprint:x', 'hello', 'a=setup:active'].map((candidate) => ({ kind, candidate, index: 0 }))
  t.equal(fold(head + video, bad), `${head}${video}a=end-of-candidates\n`)
  t.equal(fold((head + video).trimEnd(), []), `${head}${video}a=end-of-candidates\n`)
})

t.test('whatever is folded in, nothing else in the answer changes', async () => {
  const candidate = fc.string().map((text) => `candidate:${text}`)
  const lines = fc.array(fc.record({ kind: fc.constant(kind), candidate, index: fc.nat(5) }))
  fc.assert(fc.property(lines, (candidates) => {
    const kept = fold(answer, candidates).split('\r\n').filter((line) => !/^a=(candidate:|end-of-candidates$)/.test(line))
    return kept.join('\r\n') === answer
  }))
})

t.test('a fragment names its m-lines by mid, or else by their order, and its ICE session for each or for all', async (t) => {
  const signals = readFragment('a=ice-ufrag:all\r\nm=audio 9 X 0\r\na=candidate:1 x\r\na=mid:0\r\nm=video 9 X 0\r\na=ice-ufrag:own\r\n' +
    'a=candidate:2\r\na=end-of-candidates\r\n')
  t.same(signals, [
    { kind, candidate: 'candidate:1 x', mid: '0', usernameFragment: 'all' },
    { kind, candidate: 'candidate:2', index: 1, usernameFragment: 'own' },
    { kind: 'end' }
  ])
  t.same(readFragment('a=candidate:3\n'), [{ kind, candidate: 'candidate:3', index: 0 }])
  t.same(readFragment(''), [])
})

t.test('a fragment is read in linear time, whatever its blanks', async (t) => {
  const read = (text: string): number => {
    const { user } = process.cpuUsage()
    readFragment(text)
    return (process.cpuUsage().user - user) / 1000
  }
  for (const blanks of ['\t', ' ', ' a', '\n', '\r']) {
    for (const name of ['ice-ufrag', 'mid', 'end-of-candidates']) {
      const text = `m=audio 9\na=${name}:${blanks.repeat(60_000 / blanks.length)}\u0001`
      t.ok(Math.min(...[1, 2, 3].map(() => read(text))) < 20, `${name} with ${JSON.stringify(blanks)}`)
    }
  }
})
