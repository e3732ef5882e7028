import { useEffect, useRef } from 'preact/hooks'
import SwaggerUI from 'swagger-ui-dist/swagger-ui-es-bundle.js'
import 'swagger-ui-dist/swagger-ui.css'
import { Page, show } from '../shared/page.js'
import './docs.css'

function Docs () {
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    SwaggerUI({ domNode: place.current as HTMLDivElement, url: './openapi.json', deepLinking: true })
  }, [])
  return (
    <Page at='./docs'>
      <p class='muted'>
        The REST endpoints, from <a href='./openapi.json'>openapi.json</a>. What goes over the sockets is
        in <a href='./asyncapi.json'>asyncapi.json</a>, as AsyncAPI.
      </p>
      <div ref={place} />
    </Page>
  )
}

show(<Docs />)
