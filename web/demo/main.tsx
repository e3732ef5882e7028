import { useEffect, useRef, useState } from 'preact/hooks'
import { Page, show } from '../shared/page.js'
import { type DialectInfo, type Info, info } from '../shared/server.js'
import { bridge, hasBridge } from './bridge.js'
import { Chat } from './chat.js'
import { Connection } from './connection.js'
import './demo.css'
import { type Choosable, Dialects } from './dialects.js'
import { Sequence } from './sequence.js'
import { Session, type Shown } from './session.js'
import { Stage } from './stage.js'
import { State } from './state.js'
import { hasTalk } from './talk.js'
import { Token } from './token.js'

/** What a link says after its `#`: only the browsers of the two see it, no server. */
interface Place {
  readonly dialect: string | undefined
  readonly meet: string | undefined
}

function placeIn (hash: string): Place {
  const said = new URLSearchParams(hash.slice(1))
  return { dialect: said.get('dialect') ?? undefined, meet: said.get('meet') ?? undefined }
}

function linkTo ({ dialect, meet }: Place): string {
  const said = new URLSearchParams({ ...(dialect !== undefined && { dialect }), ...(meet !== undefined && { meet }) })
  return `${location.href.replace(/#.*/, '')}#${said.toString()}`
}

function Demo () {
  const [told, tell] = useState<Info | string>()
  const [place, go] = useState(() => placeIn(location.hash))
  useEffect(() => {
    info().then(tell, (error: Error) => tell(error.message))
    const follow = () => go(placeIn(location.hash))
    addEventListener('hashchange', follow)
    return () => removeEventListener('hashchange', follow)
  }, [])

  function move (place: Place): void {
    history.replaceState(null, '', linkTo(place))
    go(place)
  }

  return (
    <Page at='./demo'>
      <div class='intro'>
        <h1>A call between two pages.</h1>
        <p class='muted'>
          This page is one of them. Open its link in another tab or on a phone, and see how this server brings the two together.
        </p>
      </div>
      {typeof told === 'string' && <p role='alert'>What runs here could not be read: {told}. Reload the page to try again.</p>}
      {typeof told === 'object' && <Choice info={told} place={place} move={move} />}
    </Page>
  )
}

function Choice ({ info, place, move }: { info: Info, place: Place, move: (place: Place) => void }) {
  const { dialects: spoken, auth } = info
  const [token, setToken] = useState<string>()
  const dialects = spoken.filter(({ name }) => hasTalk(name))
  // The one that needs the fewest words, if it is on.
  const usual = dialects.find(({ name }) => name === 'rooms') ?? dialects[0]
  const choices: readonly Choosable[] = hasBridge(info) ? [...dialects, bridge] : dialects
  const chosen = place.dialect === undefined ? usual : choices.find(({ name }) => name === place.dialect)
  const isBridged = chosen === bridge
  // Who makes the link is the camera.
  const spokenHere = isBridged ? (place.meet === undefined ? 'drone' : 'peerjs') : chosen?.name
  const dialect = dialects.find(({ name }) => name === spokenHere)
  const choose = <Dialects dialects={choices} chosen={chosen} choose={(name) => move({ dialect: name, meet: undefined })} />
  if (chosen === undefined || dialect === undefined) {
    return (
      <div class='stack'>
        {choose}
        <p role='alert'>
          {place.dialect === undefined
            ? 'No dialect with a demo is on: DIALECTS says which are.'
            : place.dialect === bridge.name
              ? 'The link is for a call between dialects, which is off here: BRIDGE=peerjs-drone turns it on.'
              : `The link is for the dialect “${place.dialect}”, which is off here. Choose another, or add it to DIALECTS.`}
        </p>
      </div>
    )
  }
  return (
    <div class='stack'>
      {choose}
      {auth && token === undefined
        ? <Token use={setToken} />
        : (
          <Talk
            key={`${chosen.name} ${place.meet ?? ''} ${token ?? ''}`}
            dialect={dialect}
            isBridged={isBridged}
            meet={place.meet}
            token={token}
            useToken={auth ? setToken : undefined}
            startOver={() => move({ dialect: chosen.name, meet: undefined })}
          />)}
    </div>
  )
}

interface TalkProps {
  readonly dialect: DialectInfo
  readonly isBridged: boolean
  readonly meet: string | undefined
  readonly token: string | undefined
  readonly useToken: ((token: string) => void) | undefined
  readonly startOver: () => void
}

function Talk ({ dialect, isBridged, meet, token, useToken, startOver }: TalkProps) {
  const [shown, tell] = useState<Shown>()
  const [attempt, tryAgain] = useState(0)
  const session = useRef<Session>(undefined)
  const again = () => tryAgain(attempt + 1)
  useEffect(() => {
    const begun = session.current = new Session({ dialect, isBridged, meet, token }, tell)
    const close = () => begun.close()
    // The other page hears at once that this one has gone.
    // A page that the browser has kept comes back without its connections.
    const comeBack = ({ persisted }: PageTransitionEvent) => { if (persisted) again() }
    addEventListener('pagehide', close)
    addEventListener('pageshow', comeBack)
    return () => {
      removeEventListener('pagehide', close)
      removeEventListener('pageshow', comeBack)
      close()
    }
  }, [attempt])
  if (shown === undefined) return null
  const link = shown.meet === undefined ? undefined : linkTo({ dialect: isBridged ? bridge.name : dialect.name, meet: shown.meet })
  const role = isBridged ? (meet === undefined ? 'camera' : 'viewer') : undefined
  const connection = <Connection connection={shown.connection} phase={shown.phase} hasSignaling={shown.hasSignaling} />
  return (
    <div class='talk'>
      <div class='stack left'>
        <State shown={shown} isGuest={meet !== undefined} role={role} again={again} startOver={startOver} />
        {shown.trouble?.needsToken === true && useToken !== undefined && <Token use={(token) => { useToken(token); again() }} />}
        <Stage
          shown={shown}
          role={role}
          link={meet === undefined || dialect.name === 'psync' ? link : undefined}
          start={(own) => session.current?.showCamera(own)}
          stop={() => session.current?.hideCamera()}
        />
        {isBridged
          ? connection
          : <Chat texts={shown.texts} isOpen={shown.phase === 'connected'} say={(text) => session.current?.say(text)} />}
      </div>
      <div class='stack'>
        <Sequence rows={shown.rows} role={role} />
        {!isBridged && connection}
      </div>
    </div>
  )
}

show(<Demo />)
