import { type Entry, type FaultKind, redisFaults } from './history.js'

/** Something that the contract does not allow, with the shortest part of the history that shows it. */
export interface Violation {
  readonly rule: Rule
  readonly what: string
  readonly evidence: readonly Entry[]
}

export type Rule =
  | 'a signal comes once'
  | 'signals come in order'
  | 'a signal is delivered, kept or answered'
  | 'an error is true'
  | 'an id has one owner'
  | 'the newest connection stays'
  | 'a leave is told once'
  | 'who has not left is not told of'
  | 'a return is not told'
  | 'the last list is complete'
  | 'everybody is back'
  | 'a node is ready soon'
  | 'nothing is left'

export interface Bounds {
  /** RESUME_GRACE_MS. */
  readonly graceMs: number
  readonly leaseMs: number
}

type Hears = Entry & { readonly kind: 'hears' }
type Sends = Entry & { readonly kind: 'sends' }

/** One connection of a client. */
interface Conn {
  readonly conn: number
  readonly id: string
  readonly dialect: string
  readonly place: string
  readonly from: string
  readonly node: number
  readonly dialsAt: number
  opensAt: number | undefined
  welcomedAt: number | undefined
  /** From then on it hears nothing. */
  silentAt: number
  endsAt: number
  /** It did not end by a close of either side. */
  isBroken: boolean
  isReplaced: boolean
  saysGoodbyeAt: number | undefined
  readonly entries: Entry[]
}

/** A fault, until it was put right. */
interface Span {
  readonly fault: FaultKind
  readonly node: number
  readonly from: number
  readonly to: number
  readonly entries: readonly Entry[]
}

/** What was written to a connection, or was on its way, so shortly before it broke may be lost. In ms. */
const handMs = 1_000
/** Two machines that are both busy see the same moment so far apart. In ms. */
const leewayMs = 1_500
/** A node finds so long after its way to Redis has gone that it has. In ms. */
const noticeMs = 2_500
/** And so long after it is there again, everything is restored, and told. In ms. */
const healMs = 6_000
/** A node whose Redis is there is ready again by then: 5 s, and what a busy machine takes to start a process. In ms. */
const readyMs = 10_000

const isOfRedis = (fault: FaultKind) => (redisFaults as readonly FaultKind[]).includes(fault)

/** What became of the signals. */
export type Fate =
  | 'delivered'
  | 'answered'
  /** Its sender was cut off or replaced. */
  | 'not read'
  /** Its receiver was cut off. */
  | 'written to a broken connection'
  | 'lost with Redis'
  /** Its sender may have been gone when the answer came. */
  | 'not told'
  /** Nobody else was surely in the room. */
  | 'in a room'
  | 'lost'

export interface Verdict {
  readonly violations: readonly Violation[]
  readonly fates: ReadonlyMap<Fate, number>
}

/** Reads a history against the contract. */
export function check (entries: readonly Entry[], bounds: Bounds): Verdict {
  return new Checker(entries, bounds)
}

class Checker implements Verdict {
  readonly violations: Violation[] = []
  readonly fates = new Map<Fate, number>()
  readonly #entries: readonly Entry[]
  readonly #graceMs: number
  /** By then a signal is answered, if it is not delivered. */
  readonly #answerMs: number
  readonly #leaseMs: number
  readonly #conns = new Map<number, Conn>()
  readonly #byId = new Map<string, Conn[]>()
  readonly #spans: readonly Span[]
  readonly #quietAt: number
  readonly #overAt: number

  constructor (entries: readonly Entry[], { graceMs, leaseMs }: Bounds) {
    this.#entries = entries
    this.#graceMs = graceMs
    this.#leaseMs = leaseMs
    this.#answerMs = graceMs + 3 * leaseMs + 2 * healMs
    this.#quietAt = entries.find(({ kind }) => kind === 'quiet')?.at ?? Infinity
    this.#overAt = entries.find(({ kind }) => kind === 'over')?.at ?? Infinity
    this.#spans = spansOf(entries)
    for (const entry of entries) this.#note(entry)
    this.#checkSignals()
    this.#checkErrors()
    for (const conns of this.#byId.values()) this.#checkOwners(conns)
    for (const conn of this.#conns.values()) this.#checkNews(conn)
    this.#checkEnd()
  }

  #note (entry: Entry): void {
    if (entry.kind === 'dials') {
      const { conn, id, dialect, place, from, node, at } = entry
      const made: Conn = {
        conn,
        id,
        dialect,
        place,
        from,
        node,
        dialsAt: at,
        opensAt: undefined,
        welcomedAt: undefined,
        silentAt: Infinity,
        endsAt: Infinity,
        isBroken: false,
        isReplaced: false,
        saysGoodbyeAt: undefined,
        entries: [entry]
      }
      this.#conns.set(conn, made)
      const all = this.#byId.get(id)
      if (all === undefined) this.#byId.set(id, [made])
      else all.push(made)
      return
    }
    if (!('conn' in entry)) return
    const conn = this.#conns.get(entry.conn)
    if (conn === undefined) throw new Error(`no connection ${entry.conn}`)
    conn.entries.push(entry)
    const { at } = entry
    if (entry.kind === 'opens') conn.opensAt = at
    if (entry.kind === 'welcomed') conn.welcomedAt ??= at
    if (entry.kind === 'closes') conn.saysGoodbyeAt = at
    if (entry.kind === 'stops reading') conn.silentAt = at
    if (entry.kind === 'cuts') conn.silentAt = Math.min(conn.silentAt, at)
    if (entry.kind === 'ends') {
      conn.endsAt = at
      conn.silentAt = Math.min(conn.silentAt, at)
      conn.isBroken = entry.code === 1006 || entry.code === 4101
      conn.isReplaced = entry.code === 4000
    }
  }

  #fail (rule: Rule, what: string, evidence: readonly Entry[]): void {
    const unique = [...new Set(evidence)].sort((one, other) => one.at - other.at)
    this.violations.push({ rule, what, evidence: unique })
  }

  /** How connections of these clients came and went in a time, and what went wrong then. */
  #around (ids: readonly string[], from: number, to: number): Entry[] {
    const comings = ids.flatMap((id) => this.#byId.get(id) ?? [])
      .filter(({ dialsAt, endsAt }) => dialsAt <= to && endsAt >= from)
      .flatMap(({ entries }) => entries.filter(({ kind }) => kind !== 'sends' && kind !== 'hears' && kind !== 'refused' &&
        kind !== 'joined' && kind !== 'left' && kind !== 'lists'))
    return [...comings, ...this.#spans.filter((span) => span.from <= to && span.to >= from).flatMap(({ entries }) => entries)]
  }

  /** Whether one of the faults has something to do with what happened between these times. */
  #isDuring (from: number, to: number, applies: (span: Span) => boolean = () => true): boolean {
    return this.#spans.some((span) => applies(span) && span.from - handMs <= to && span.to + healMs >= from)
  }

  /** Signals between two of which one node is without Redis, or all are. */
  #isDuringOutage (from: number, to: number): boolean {
    return this.#isDuring(from, to, ({ fault }) => isOfRedis(fault) || fault === 'isolate' || fault === 'cut')
  }

  /** What scaling.md says may be lost in silence: what was in the hands of Redis, or on the way to it and from it. */
  #mayBeLostWithRedis (sentAt: number): boolean {
    return this.#spans.some(({ fault, from }) => {
      const lasts = fault === 'isolate' ? 2 * this.#leaseMs + leewayMs : fault === 'emptied' || fault === 'cut' ? handMs : noticeMs
      return (isOfRedis(fault) || fault === 'isolate' || fault === 'cut') && sentAt >= from - handMs && sentAt <= from + lasts
    })
  }

  /** When a node has taken what came at that moment: one that stands still takes it later. */
  #takenBy (node: number, at: number): number {
    const stop = this.#spans.find((span) => span.fault === 'stop' && span.node === node && at >= span.from - handMs && at <= span.to)
    return stop?.to ?? at
  }

  #checkSignals (): void {
    const heard = new Map<string, Array<Hears>>()
    for (const entry of this.#entries) {
      if (entry.kind !== 'hears') continue
      const { id, dialect } = this.#conns.get(entry.conn) as Conn
      // Who comes back to a room before it has left is another member, and the first who joins.
      if (dialect === 'rooms' && entry.from === id) continue
      const key = `${entry.from} ${id} ${entry.number}`
      const all = heard.get(key)
      if (all === undefined) heard.set(key, [entry])
      else all.push(entry)
    }
    const last = new Map<string, { sent: Sends, heard: Hears }>()
    for (const sent of this.#entries) {
      if (sent.kind !== 'sends') continue
      const sender = this.#conns.get(sent.conn) as Conn
      const key = `${sender.id} ${sent.to} ${sent.number}`
      const found = heard.get(key) ?? []
      heard.delete(key)
      const [first] = found
      if (found.length > 1) {
        this.#fail('a signal comes once', `${key} has come ${found.length} times`,
          [sent, ...found, ...this.#around([sender.id, sent.to], sent.at, found.at(-1)?.at ?? sent.at)])
      }
      const fate = first === undefined ? this.#fateOf(sent, sender) : 'delivered'
      this.fates.set(fate, (this.fates.get(fate) ?? 0) + 1)
      if (fate === 'lost') this.#tellLost(sent, sender)
      if (first === undefined) continue
      // Of one connection to whichever connections the receiver has had since.
      const way = `${sent.conn} ${sent.to}`
      const before = last.get(way)
      if (before !== undefined && isBefore(first, before.heard) && !this.#cameBackInAnOutage(before.heard, before.sent.at)) {
        this.#fail('signals come in order', `${key} has come before ${before.sent.number}`,
          [before.sent, sent, before.heard, first, ...this.#around([sender.id, sent.to], before.sent.at, before.heard.at)])
      }
      last.set(way, { sent, heard: first })
    }
    for (const [key, entries] of heard) this.#fail('a signal comes once', `${key} was never sent`, entries)
  }

  /** Whether it was kept before its receiver came back to a node without Redis, which had it only when Redis was there again. */
  #cameBackInAnOutage ({ conn }: Hears, sentAt: number): boolean {
    const { welcomedAt } = this.#conns.get(conn) as Conn
    return welcomedAt !== undefined && sentAt < welcomedAt && this.#isDuringOutage(welcomedAt, welcomedAt)
  }

  /** What became of a signal that was not heard. */
  #fateOf ({ at, to }: Sends, sender: Conn): Fate {
    const until = at + this.#answerMs
    const sendersConns = this.#byId.get(sender.id) ?? []
    const isAnswered = sendersConns.some(({ entries }) => entries.some((entry) =>
      entry.kind === 'refused' && entry.at >= at && entry.at <= until && (entry.about === undefined || entry.about === to)))
    if (isAnswered) return 'answered'
    const isCutOff = sender.isBroken || sender.isReplaced || sender.silentAt < sender.endsAt
    if (isCutOff && sender.silentAt <= this.#takenBy(sender.node, at) + handMs) return 'not read'
    if (this.#mayBeLostWithRedis(at)) return 'lost with Redis'
    const receivers = this.#byId.get(to) ?? []
    if (sender.dialect === 'rooms') {
      // Members of another node do not get it while Redis is away, and a room may have gone with it.
      if (this.#isDuring(at, at)) return 'lost with Redis'
      const room = roomAt(sender, at)
      const isThere = receivers.some((conn) => room !== undefined && conn.silentAt > at + handMs &&
        roomAt(conn, at - handMs) === room && roomAt(conn, at + handMs) === room)
      return isThere ? 'lost' : 'in a room'
    }
    if (receivers.some((conn) => this.#wasWrittenTo(conn, at))) return 'written to a broken connection'
    const isSteady = receivers.some((conn) => conn.welcomedAt !== undefined && conn.welcomedAt < at - leewayMs &&
      conn.silentAt > this.#takenBy(conn.node, at) + leewayMs)
    const wasGone = sendersConns.some(({ silentAt }) => silentAt > at && silentAt < Math.min(until, this.#overAt))
    return wasGone && !isSteady ? 'not told' : 'lost'
  }

  #tellLost (sent: Sends, { id }: Conn): void {
    const { at, to, number } = sent
    const answers = (this.#byId.get(id) ?? []).flatMap(({ entries }) => entries)
      .filter((entry) => entry.kind === 'refused' && entry.at >= at - handMs && entry.at <= at + this.#answerMs)
    this.#fail('a signal is delivered, kept or answered', `${id} ${to} ${number} is lost`,
      [sent, ...answers, ...this.#around([id, to], at - leewayMs, at + this.#graceMs + 2 * this.#leaseMs)])
  }

  /**
   * Whether a signal of that time may have been written to a connection that broke before its client could read it. A node that
   * stands still learns of neither before it goes on.
   */
  #wasWrittenTo ({ opensAt, welcomedAt, silentAt, endsAt, isBroken, node }: Conn, at: number): boolean {
    if (opensAt === undefined || this.#takenBy(node, endsAt) < at) return false
    if (silentAt === endsAt && !isBroken) return false
    const writtenAt = this.#takenBy(node, Math.max(at, welcomedAt ?? opensAt))
    return welcomedAt === undefined || silentAt - writtenAt < handMs
  }

  #checkErrors (): void {
    for (const [id, conns] of this.#byId) {
      const sent = conns.flatMap(({ entries }) => entries).filter((entry) => entry.kind === 'sends')
      for (const error of conns.flatMap(({ entries }) => entries)) {
        if (error.kind !== 'refused' || error.about === undefined || this.#isDuring(error.at - this.#answerMs, error.at)) continue
        const asked = sent.filter(({ to, at }) => to === error.about && at <= error.at && at >= error.at - this.#answerMs)
        const heard = new Set((this.#byId.get(error.about) ?? []).flatMap(({ entries }) => entries)
          .flatMap((entry) => entry.kind === 'hears' && entry.from === id ? [entry.number] : []))
        if (asked.some(({ number }) => !heard.has(number))) continue
        this.#fail('an error is true', `${id} is told that ${error.about} did not get something`,
          [error, ...asked.slice(-3), ...this.#around([id, error.about], error.at - this.#graceMs, error.at)])
      }
    }
  }

  #checkOwners (conns: readonly Conn[]): void {
    for (const older of conns) {
      const newer = conns.filter(({ dialsAt }) => dialsAt > older.dialsAt)
      for (const { welcomedAt, endsAt, ...other } of newer) {
        if (welcomedAt === undefined || older.welcomedAt === undefined) continue
        // Who has stopped reading hears at its end what was written before.
        const until = Math.min(endsAt, older.silentAt)
        const late = older.entries.find(({ kind, at }) => kind === 'hears' && at > welcomedAt + leewayMs && at < until)
        if (late === undefined || this.#isDuring(welcomedAt, late.at)) continue
        this.#fail('an id has one owner', `${older.id} hears on connection ${older.conn}, though ${other.conn} was welcomed`,
          [late, ...this.#around([older.id], welcomedAt - leewayMs, late.at)])
      }
      const end = older.entries.find((entry) => entry.kind === 'ends' && entry.code === 4000)
      if (end !== undefined && !newer.some(({ dialsAt, opensAt }) => opensAt !== undefined && dialsAt <= end.at)) {
        const evidence = [end, ...this.#around([older.id], end.at - healMs, end.at)]
        this.#fail('the newest connection stays', `${older.id} is replaced by nobody`, evidence)
      }
    }
    const open = conns.filter(({ welcomedAt, endsAt }) => welcomedAt !== undefined && endsAt >= this.#overAt)
    if (this.#overAt === Infinity) return
    const evidence = this.#around(conns.slice(0, 1).map(({ id }) => id), this.#quietAt - healMs, this.#overAt)
    if (open.length > 1) this.#fail('an id has one owner', `${conns[0]?.id} has ${open.length} connections at the end`, evidence)
    if (open.length === 0) this.#fail('everybody is back', `${conns[0]?.id} is not`, evidence)
  }

  /** What one connection was told of others who come and go. */
  #checkNews ({ id, conn, place, dialect, entries, welcomedAt, endsAt, silentAt }: Conn): void {
    if (welcomedAt === undefined || (dialect !== 'tom' && dialect !== 'psync')) return
    const there = new Map<string, boolean>()
    const lastNews = new Map<string, Entry>()
    const first = entries.find(({ kind }) => kind === 'lists')
    for (const entry of entries) {
      if (entry === first && entry.kind === 'lists') for (const one of entry.ids) there.set(one, true)
      if (entry.kind !== 'joined' && entry.kind !== 'left') continue
      const { about, kind, at } = entry
      const before = lastNews.get(about)
      const evidence = (): Entry[] => [
        entry, ...before === undefined ? [] : [before], ...this.#around([about], Math.max(before?.at ?? 0, at - this.#answerMs), at)
      ]
      if (kind === 'left') {
        if (there.get(about) === false) this.#fail('a leave is told once', `${id} hears twice that ${about} has left`, evidence())
        else if (!this.#hasLeft(about, at)) this.#fail('who has not left is not told of', `${id} hears that ${about} has left`, evidence())
      } else if (this.#graceMs > 0 && there.get(about) === true && !this.#isNew(about, at)) {
        this.#fail('a return is not told', `${id} hears again that ${about} has joined`, evidence())
      }
      there.set(about, kind === 'joined')
      lastNews.set(about, entry)
    }
    if (this.#overAt === Infinity || endsAt < this.#overAt || silentAt < this.#overAt) return
    const expected = this.#present(dialect, place)
    there.set(id, true)
    const seen = [...there].filter(([, isThere]) => isThere).map(([id]) => id)
    this.#compare(`${id}, by the news on connection ${conn},`, seen, expected)
  }

  /** Whether it had a reason to be gone by then. */
  #hasLeft (id: string, at: number): boolean {
    const conns = (this.#byId.get(id) ?? []).filter(({ dialsAt }) => dialsAt <= at)
    if (this.#isDuringOutage(at - this.#graceMs, at)) return true
    if (this.#graceMs === 0 && this.#isDuring(at - 2 * this.#leaseMs, at)) return true
    return conns.some(({ node, saysGoodbyeAt, silentAt, endsAt }) => {
      if (saysGoodbyeAt !== undefined && at - saysGoodbyeAt < this.#answerMs) return true
      // Who breaks off from a node that counts as dead has counted as gone since then.
      const dead = this.#spans.find((span) => span.fault === 'stop' && span.node === node && endsAt >= span.from && endsAt <= span.to)
      const goneAt = Math.min(silentAt, endsAt, (dead?.from ?? Infinity) + this.#leaseMs / 2)
      if (goneAt > at || at - goneAt > this.#answerMs) return false
      // It was away for the whole of its grace.
      const backAt = Math.min(...conns.flatMap(({ welcomedAt }) => welcomedAt !== undefined && welcomedAt > goneAt ? [welcomedAt] : []))
      return Math.min(backAt, at) - goneAt >= this.#graceMs - leewayMs / 3
    })
  }

  /** Whether somebody else, as far as the server knows, has its id since a little before. */
  #isNew (id: string, at: number): boolean {
    if (this.#isDuringOutage(at - this.#graceMs - healMs, at)) return true
    const recent = (this.#byId.get(id) ?? []).filter(({ opensAt, endsAt }) => opensAt !== undefined && endsAt > at - this.#answerMs)
    return new Set(recent.map(({ from }) => from)).size > 1
  }

  #present (dialect: string, place: string): string[] {
    return [...this.#byId.values()].flatMap((conns) => {
      return conns.filter((conn) => conn.dialect === dialect && conn.place === place && conn.welcomedAt !== undefined &&
        conn.endsAt >= this.#overAt).slice(0, 1).map(({ id }) => id)
    })
  }

  #compare (what: string, seen: readonly string[], expected: readonly string[], evidence: readonly Entry[] = []): void {
    const missing = expected.filter((id) => !seen.includes(id))
    const surplus = seen.filter((id) => !expected.includes(id))
    if (missing.length === 0 && surplus.length === 0 && seen.length === expected.length) return
    const wrong = [...missing, ...surplus]
    const news = this.#entries.filter((entry) => (entry.kind === 'joined' || entry.kind === 'left') && wrong.includes(entry.about))
    const around = this.#around(wrong.slice(0, 1), this.#quietAt - 2 * healMs, this.#overAt)
    this.#fail('the last list is complete', `${what} lacks [${missing.join()}], and has [${surplus.join()}], who are not there`,
      [...evidence, ...news.slice(-4), ...around])
  }

  #checkEnd (): void {
    for (const entry of this.#entries) {
      if (entry.kind === 'remains') this.#fail('nothing is left', entry.what, [entry])
      if (entry.kind === 'ready' && (entry.ms === undefined || entry.ms > readyMs)) {
        this.#fail('a node is ready soon', `node ${entry.node} takes ${entry.ms ?? 'more than 15 000'} ms`,
          [entry, ...this.#around([], entry.at - (entry.ms ?? healMs), entry.at)])
      }
      if (entry.kind === 'shows') {
        this.#compare(`node ${entry.node}, asked for ${entry.dialect},`, entry.ids, this.#present(entry.dialect, ''), [entry])
      }
      if (entry.kind === 'lists' && entry.at > this.#quietAt && entry.at <= this.#overAt) {
        const { id, dialect, place, endsAt } = this.#conns.get(entry.conn) as Conn
        if (endsAt >= this.#overAt) this.#compare(`${id}, by its last list,`, entry.ids, this.#present(dialect, place), [entry])
      }
    }
  }
}

/** Whether one came before the other. What an older connection hears later may have come to it earlier. */
function isBefore (one: Hears, other: Hears): boolean {
  return one.at < other.at && one.conn <= other.conn
}

function roomAt ({ entries, endsAt }: Conn, at: number): string | undefined {
  if (endsAt < at) return undefined
  const entered = entries.filter((entry) => entry.kind === 'enters' && entry.at <= at).at(-1)
  return entered?.kind === 'enters' ? entered.room : undefined
}

function spansOf (history: readonly Entry[]): Span[] {
  return history.flatMap((begin) => {
    if (begin.kind !== 'fault') return []
    const end = history.find((entry) => entry.kind === 'healed' && entry.fault === begin.fault && entry.at >= begin.at)
    const entries = end === undefined ? [begin] : [begin, end]
    return [{ fault: begin.fault, node: begin.node, from: begin.at, to: end?.at ?? Infinity, entries }]
  })
}
