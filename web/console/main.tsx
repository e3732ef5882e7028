import { useEffect, useState } from 'preact/hooks'
import type { NodesAnswer } from '../../routes/admin/console-schema.js'
import { Copied } from '../shared/copied.js'
import { Page, show } from '../shared/page.js'
import { get, Refusal, token } from './api.js'
import { Events } from './events.js'
import { useHash, useLive, useRepeated } from './hooks.js'
import { type Access, Live } from './live.js'
import { Overview } from './overview.js'
import { Peers } from './peers.js'
import { Rooms } from './rooms.js'
import './console.css'

const live = new Live()
const tabs = [['overview', 'Overview'], ['peers', 'Peers'], ['rooms', 'Rooms'], ['events', 'Events']] as const
const nodesMs = 5_000

function Console () {
  useLive(live)
  useEffect(() => live.start(), [])
  const { access } = live
  return (
    <Page at='./console'>
      <h1 class='hidden'>Console</h1>
      {access.state === 'asking' && <p class='muted' role='status'>Asking the server…</p>}
      {access.state === 'refused' && (access.status === 401 ? <TokenWanted why={access.why} /> : <NotHere why={access.why} />)}
      {access.state === 'lost' && <Lost {...access} hasData={live.samples.size > 0} />}
      {(access.state === 'open' || (access.state === 'lost' && live.samples.size > 0)) && <Views isOld={access.state === 'lost'} />}
    </Page>
  )
}

function Views ({ isOld }: { readonly isOld: boolean }) {
  const hash = useHash()
  const [nodes, set] = useState<NodesAnswer>()
  const reload = useRepeated(async () => {
    try {
      set(await get<NodesAnswer>('nodes'))
    } catch (error) {
      // The stream finds out by itself, too, but later.
      if (error instanceof Refusal && error.status === 401) live.start()
    }
    return nodesMs
  }, [])
  const [tab = '', room = ''] = hash.split('/', 2)
  const shown = tabs.find(([name]) => name === tab)?.[0] ?? 'overview'
  return (
    <div class={isOld ? 'views old' : 'views'}>
      <nav class='tabs' aria-label='Views'>
        {tabs.map(([name, title]) => <a key={name} href={`#${name}`} aria-current={name === shown ? 'page' : undefined}>{title}</a>)}
        {token.get() !== '' && <button type='button' class='quiet' onClick={signOut}>Forget the token</button>}
      </nav>
      {shown === 'overview' && <Overview live={live} nodes={nodes} reload={reload} />}
      {shown === 'peers' && <Peers live={live} nodes={nodes} room={decodeURIComponent(room)} />}
      {shown === 'rooms' && <Rooms />}
      {shown === 'events' && <Events live={live} />}
    </div>
  )
}

function signOut (): void {
  token.forget()
  location.reload()
}

function TokenWanted ({ why }: { readonly why: string }) {
  const [text, type] = useState('')
  const isRefused = token.get() !== ''
  function enter (event: Event): void {
    event.preventDefault()
    token.set(text.trim())
    live.start()
  }
  return (
    <form class='card stack access' onSubmit={enter}>
      <h2>Who are you?</h2>
      <p>Clients need a token here, and the console takes one with the role <code>admin</code>. Make one where the server’s key is:</p>
      <Copied label='the command that makes a token' text='signalbox token --sub me --role admin' />
      <label class='stack'>
        Token
        <input type='password' autocomplete='off' required value={text} onInput={({ currentTarget }) => type(currentTarget.value)} />
      </label>
      {isRefused && (
        <p role='alert' class='bad'>
          {why === 'Unauthorized' ? 'This token was refused. It may have expired, or it lacks the role admin.' : `${why}.`}
        </p>
      )}
      <div><button class='primary'>Open the console</button></div>
      <p class='muted small'>The browser keeps the token until this tab is closed, and sends it to this server only.</p>
    </form>
  )
}

function NotHere ({ why }: { readonly why: string }) {
  const isOrigin = why === 'origin not allowed'
  return (
    <section class='card stack access'>
      <h2>{isOrigin ? 'The server takes this page for another site’s' : 'The console is for the server’s own machine'}</h2>
      {isOrigin
        ? <p>A proxy in front of it changes the <code>Host</code> header. Have it passed on as it is, as docs/deploy.md does.</p>
        : (
          <>
            <p>Nobody needs a token here, so the console answers only to who is on the machine itself. There are three ways:</p>
            <ol class='stack'>
              <li>Come by a tunnel, and open <code>http://localhost:8080/console</code>:
                <Copied label='the command for a tunnel' text={`ssh -L 8080:localhost:8080 ${location.hostname}`} />
              </li>
              <li>Set a key, so that clients need tokens, and come with one that has the role <code>admin</code>:
                <Copied label='the setting of a key' text='JWT_SECRET=…' />
              </li>
              <li>Let everybody in, on a network that you trust:
                <Copied label='the setting that lets everybody in' text='CONSOLE_PUBLIC=true' />
              </li>
            </ol>
          </>)}
      <p class='muted small'>The server said: {why}</p>
      <div><button type='button' onClick={() => live.start()}>Try again</button></div>
    </section>
  )
}

function Lost ({ retryAt, why, hasData }: Extract<Access, { state: 'lost' }> & { readonly hasData: boolean }) {
  const [, tick] = useState(0)
  useEffect(() => {
    const ticking = setInterval(() => tick((count) => count + 1), 500)
    return () => clearInterval(ticking)
  }, [])
  const leftS = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000))
  return (
    <div class='card bar lost' role='status'>
      <p><b>Connection lost.</b> {hasData && 'What you see is old. '}{leftS === 0 ? 'Trying again…' : `Trying again in ${leftS} s.`}</p>
      <span class='muted small'>{why}</span>
      <button type='button' onClick={() => live.start()}>Try now</button>
    </div>
  )
}

show(<Console />)
