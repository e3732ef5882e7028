import qrcode from 'qrcode-generator'
import { useEffect, useRef, useState } from 'preact/hooks'
import { Copied } from '../shared/copied.js'
import type { Role } from './bridge.js'
import type { Shown } from './session.js'
import { cameraTrouble, notSecure } from './words.js'

interface StageProps {
  readonly shown: Shown
  readonly role: Role | undefined
  /** For the other page. */
  readonly link: string | undefined
  readonly start: (stream: MediaStream) => void
  readonly stop: () => void
}

/** The link, until the other is there; then the pictures. */
export function Stage ({ shown, role, link, start, stop }: StageProps) {
  const hasCall = shown.phase === 'connected' || shown.phase === 'connecting'
  return (
    <section class='card stage' aria-label={hasCall ? 'Pictures' : 'Invitation'}>
      {hasCall
        ? role === undefined ? <Pictures shown={shown} start={start} stop={stop} /> : <OnePicture {...shown} />
        : <Invitation link={link} />}
    </section>
  )
}

function Invitation ({ link }: { readonly link: string | undefined }) {
  if (link === undefined) return <p class='muted empty'>There is no call.</p>
  const isLocal = /^(localhost|127\.|\[::1\])/.test(new URL(link).hostname)
  return (
    <div class='invitation'>
      <Code text={link} />
      <div class='stack'>
        <h3>The link for the other page</h3>
        <Copied text={link} label='the link for the other page' />
        <a class='button primary' href={link} target='_blank' rel='noreferrer'>Open it in a new tab</a>
        {isLocal && (
          <p class='muted small'>
            This address works on this computer only. For a phone, open this page by the computer’s address in your network.
          </p>)}
      </div>
    </div>
  )
}

function Code ({ text }: { readonly text: string }) {
  const code = qrcode(0, 'M')
  code.addData(text)
  code.make()
  const size = code.getModuleCount()
  let path = ''
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) if (code.isDark(row, column)) path += `M${column} ${row}h1v1h-1z`
  }
  return (
    <svg class='code' viewBox={`-3 -3 ${size + 6} ${size + 6}`} role='img' aria-label='The link as a QR code' shape-rendering='crispEdges'>
      <path d={path} />
    </svg>
  )
}

function Pictures ({ shown: { phase, own, remote }, start, stop }: Omit<StageProps, 'link' | 'role'>) {
  const [problem, say] = useState<string>()
  const [isAsking, ask] = useState(false)
  const [isMuted, mute] = useState(true)
  // Browsers keep it from pages without TLS.
  const media = navigator.mediaDevices as MediaDevices | undefined

  async function begin (): Promise<void> {
    say(undefined)
    ask(true)
    try {
      start(await media?.getUserMedia({ video: true, audio: true }).catch(async (error: Error) => {
        // There may be a camera without a microphone.
        if (error.name !== 'NotFoundError') throw error
        return await media.getUserMedia({ video: true })
      }) as MediaStream)
    } catch (error) {
      say(cameraTrouble(error))
    }
    ask(false)
  }

  return (
    <>
      <div class='pictures'>
        {remote === undefined
          ? <p class='empty'>The other page shows no camera.</p>
          : <Picture stream={remote} isMuted={isMuted} label='The other page’s camera' />}
        {own !== undefined && <div class='own'><Picture stream={own} isMuted label='Your camera' /></div>}
      </div>
      <div class='line'>
        {own === undefined
          ? (
            <button type='button' disabled={phase !== 'connected' || media === undefined || isAsking} onClick={begin}>
              Show my camera
            </button>)
          : <button type='button' onClick={stop}>Stop my camera</button>}
        {remote !== undefined && (
          <button type='button' onClick={() => mute(!isMuted)}>{isMuted ? 'Turn the sound on' : 'Turn the sound off'}</button>)}
      </div>
      {media === undefined && <p class='muted small'>{notSecure}</p>}
      <p class='problem' role='alert'>{problem}</p>
    </>
  )
}

/** What one of the two shows, and the other sees. */
function OnePicture ({ own, remote }: Shown) {
  const [stream, label] = own === undefined ? [remote, 'The other page’s camera'] as const : [own, 'Your camera'] as const
  return (
    <div class='pictures'>
      {stream === undefined
        ? <p class='empty'>The picture comes when the two have found a way to each other.</p>
        : <Picture stream={stream} isMuted label={label} />}
    </div>
  )
}

interface PictureProps {
  readonly stream: MediaStream
  readonly isMuted: boolean
  readonly label: string
}

function Picture ({ stream, isMuted, label }: PictureProps) {
  const video = useRef<HTMLVideoElement>(null)
  useEffect(() => { if (video.current !== null) video.current.srcObject = stream }, [stream])
  return <video ref={video} autoplay playsInline muted={isMuted} aria-label={label} />
}
