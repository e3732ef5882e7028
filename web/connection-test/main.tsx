import { useEffect, useRef, useState } from 'preact/hooks'
import { Page, show } from '../shared/page.js'
import { place } from '../shared/server.js'
import type { Finding } from './check.js'
import { groups } from './checks.js'
import { Facts } from './facts.js'
import { marks, verdict, writeReport } from './report.js'
import { Row } from './row.js'
import { run, type State } from './runner.js'
import './connection-test.css'

const defaultSilenceS = 70
const shownMs = 1_500

/** `?silence=` in the page’s address: how long the socket is silent, in s. */
const silenceS = Number(new URLSearchParams(location.search).get('silence')) || defaultSilenceS

type States = ReadonlyMap<string, State>

interface Running {
  readonly facts: Facts
  readonly end: () => void
  readonly skip: () => void
}

function begin (token: string | undefined): Running {
  const [ended, skipped] = [new AbortController(), new AbortController()]
  const facts = new Facts({
    place,
    origin: location.origin,
    token,
    silenceMs: silenceS * 1000,
    ended: ended.signal,
    skipped: skipped.signal
  })
  return { facts, end: () => ended.abort(), skip: () => skipped.abort() }
}

function ConnectionTest () {
  const [states, setStates] = useState<States>(new Map())
  const [needsToken, needToken] = useState(false)
  const running = useRef<Running>(undefined)

  function start (token?: string): void {
    running.current?.end()
    const now = begin(token)
    running.current = now
    setStates(new Map())
    now.facts.info().then(({ body }) => needToken(body?.auth === true), () => {})
    run(groups, now.facts, (name, state) => setStates((states) => new Map(states).set(name, state)))
  }

  useEffect(() => {
    start()
    return () => running.current?.end()
  }, [])

  const findings = findingsIn(states)
  return (
    <Page at='./test'>
      <div class='intro'>
        <h1>Connection test</h1>
        <p class='muted'>
          What only a browser can find out: whether your clients get through to this server, and to each other. Run it where your users are,
          such as on a phone without Wi-Fi.
        </p>
      </div>
      <Summary
        findings={findings}
        again={() => start(running.current?.facts.options.token)}
        report={async () => await reportOf(running.current, findings)}
      />
      {needsToken && <TokenForm use={start} />}
      <div class='groups'>
        {groups.map(({ title, checks }) => (
          <section key={title} class='card' aria-label={title}>
            <h2>{title}</h2>
            <ul class='checks'>
              {checks.map((check) => (
                <Row
                  key={check.name}
                  check={check}
                  state={states.get(check.name) ?? { phase: 'waiting' }}
                  skip={() => running.current?.skip()}
                />
              ))}
            </ul>
          </section>
        ))}
      </div>
    </Page>
  )
}

function findingsIn (states: States): ReadonlyMap<string, Finding> {
  const findings = new Map<string, Finding>()
  for (const [name, state] of states) if (state.phase === 'done') findings.set(name, state.finding)
  return findings
}

async function reportOf (running: Running | undefined, findings: ReadonlyMap<string, Finding>): Promise<string> {
  if (running === undefined) return ''
  const { facts } = running
  const { body } = await facts.info()
  return writeReport({
    groups,
    findings,
    about: [
      ['Page', location.origin + location.pathname],
      ['Server', body === undefined ? 'unknown' : `Signalbox ${body.version}`],
      ['Token', facts.options.token !== undefined ? 'given' : body?.auth === true ? 'needed, and not given' : 'not needed'],
      ['Time', new Date().toISOString()],
      ['Browser', navigator.userAgent]
    ],
    secrets: await facts.secrets()
  })
}

interface SummaryProps {
  readonly findings: ReadonlyMap<string, Finding>
  readonly again: () => void
  readonly report: () => Promise<string>
}

function Summary ({ findings, again, report }: SummaryProps) {
  const { mark, text } = verdict(groups, findings)
  const [said, say] = useState('Copy report')
  const [shown, showReport] = useState<string>()

  async function copy (): Promise<void> {
    const text = await report()
    try {
      await navigator.clipboard.writeText(text)
      say('Copied')
      setTimeout(() => say('Copy report'), shownMs)
    } catch {
      // Without TLS a browser has no clipboard.
      showReport(text)
    }
  }

  return (
    <>
      <div class='summary card' data-mark={mark ?? 'running'}>
        <span class='mark' aria-hidden='true'>{mark === undefined ? '' : marks[mark].sign}</span>
        <p role='status'>{text}</p>
        <div class='actions'>
          <button type='button' onClick={again}>Run again</button>
          <button type='button' class='primary' onClick={copy} aria-live='polite'>{said}</button>
        </div>
      </div>
      {shown !== undefined && (
        <label class='card report'>
          The report, to be copied by hand
          <textarea readOnly rows={12} value={shown} ref={(area) => area?.select()} />
        </label>
      )}
    </>
  )
}

/** A token is kept in this page alone, and forgotten with it. */
function TokenForm ({ use }: { readonly use: (token: string) => void }) {
  const field = useRef<HTMLInputElement>(null)

  function submit (event: Event): void {
    event.preventDefault()
    use((field.current as HTMLInputElement).value.trim())
  }

  return (
    <form class='card token' onSubmit={submit}>
      <label for='token'>This server asks for a token</label>
      <p class='muted' id='token-help'>
        With one, WebSocket, STUN and TURN are tested like a client of yours would use them. It stays in this page, and out of the report.
      </p>
      <div class='actions'>
        <input
          ref={field} id='token' type='password' required autocomplete='off' spellcheck={false} aria-describedby='token-help'
          pattern='\s*[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+\s*'
          title='A JSON Web Token has three parts with a point between them.'
        />
        <button type='submit'>Test with it</button>
      </div>
    </form>
  )
}

show(<ConnectionTest />)
