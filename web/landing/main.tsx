import { useEffect, useState } from 'preact/hooks'
import { Copied } from '../shared/copied.js'
import { Page, show } from '../shared/page.js'
import { clientCode } from '../../src/dialect/place.js'
import { type DialectInfo, type Info, info, place } from '../shared/server.js'
import './landing.css'

function Landing () {
  const [told, tell] = useState<Info | string>()
  useEffect(() => {
    info().then(tell, (error: Error) => tell(error.message))
  }, [])
  return (
    <Page at='.'>
      <div class='hero'>
        <h1>Peers meet here.</h1>
        <p class='muted'>
          This is a Signalbox, a WebRTC signaling server. Point your client to it, unmodified: it speaks the protocol of the server that
          you come from.
        </p>
        <p class='actions'>
          <a class='button primary' href='./demo'>See a call</a>
          <a class='button' href='./test'>Test the connection</a>
        </p>
        {typeof told === 'object' && <Facts {...told} />}
      </div>
      {typeof told === 'string' && <p role='alert'>What runs here could not be read: {told}. Reload the page to try again.</p>}
      <section class='dialects' aria-label='Dialects'>
        {typeof told === 'object' && told.dialects.map((dialect) => <Dialect key={dialect.name} {...dialect} />)}
      </section>
    </Page>
  )
}

function Facts ({ version, auth, turn, stun }: Info) {
  return (
    <dl class='facts'>
      <div><dt>Version</dt><dd>{version}</dd></div>
      <div><dt>Address</dt><dd>{place.ws}</dd></div>
      <div><dt>Who may connect</dt><dd>{auth ? 'Clients with a token' : 'Everybody'}</dd></div>
      <div><dt>ICE servers</dt><dd>{[stun && 'STUN', turn && 'TURN'].filter(Boolean).join(' and ') || 'None'}</dd></div>
    </dl>
  )
}

function Dialect ({ name, title, summary, url, overHttp = false, client }: DialectInfo) {
  return (
    <article class='card stack' id={name}>
      <header>
        <h2>{title}</h2>
        <p class='muted'>{summary}</p>
      </header>
      <Copied label={`the URL of a ${title} client`} text={(overHttp ? place.http : place.ws) + url} />
      {client !== undefined && <Copied label={`the code of a ${title} client`} text={clientCode({ url, client }, place)} />}
    </article>
  )
}

show(<Landing />)
