import { useEffect, useRef } from 'preact/hooks'
import type { Said } from './session.js'

interface ChatProps {
  readonly texts: readonly Said[]
  readonly isOpen: boolean
  readonly say: (text: string) => void
}

export function Chat ({ texts, isOpen, say }: ChatProps) {
  const list = useRef<HTMLDivElement>(null)
  useEffect(() => { list.current?.scrollTo(0, list.current.scrollHeight) }, [texts])

  function submit (event: Event): void {
    event.preventDefault()
    const form = event.target as HTMLFormElement
    const text = String(new FormData(form).get('text')).trim()
    if (text !== '') say(text)
    form.reset()
  }

  return (
    <section class='card stack chat' aria-labelledby='chat'>
      <h2 id='chat'>Chat</h2>
      <div class='texts' ref={list} role='log' aria-label='What was said' tabIndex={0}>
        {texts.length === 0 && <p class='muted empty'>{isOpen ? 'Nothing said yet.' : 'It opens when the two pages are connected.'}</p>}
        {texts.map(({ isOwn, text }, at) => (
          <p key={at} class={isOwn ? 'said own' : 'said'}>
            <span class='unseen'>{isOwn ? 'You: ' : 'The other: '}</span>{text}
          </p>
        ))}
      </div>
      <form class='line' onSubmit={submit}>
        <input name='text' aria-label='Text' placeholder='Say something' autocomplete='off' maxLength={2000} disabled={!isOpen} />
        <button class='primary' type='submit' disabled={!isOpen}>Send</button>
      </form>
    </section>
  )
}
