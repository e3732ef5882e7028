import { useState } from 'preact/hooks'
import { isToken } from './identity.js'

/** Asks for a token. It stays in this page's memory. */
export function Token ({ use }: { readonly use: (token: string) => void }) {
  const [problem, say] = useState<string>()
  function submit (event: Event): void {
    event.preventDefault()
    const text = String(new FormData(event.target as HTMLFormElement).get('token')).trim()
    if (isToken(text)) use(text)
    else say('This is not a JSON Web Token with a “sub”: it has three parts with dots between them, and begins with “ey”.')
  }
  return (
    <form class='card stack token' onSubmit={submit}>
      <h2>This server asks for a token</h2>
      <p class='muted' id='token-help'>
        Each of the two pages needs one: a JSON Web Token, signed with the server’s key. With
        {' '}<code>"ids": ["demo-*"]</code> one token does for both. It is sent to this server only, and forgotten with this page.
      </p>
      <div class='line'>
        <input
          name='token'
          type='password'
          autocomplete='off'
          required
          aria-label='Token'
          aria-describedby='token-help token-problem'
          aria-invalid={problem !== undefined}
        />
        <button class='primary' type='submit'>Connect</button>
      </div>
      <p id='token-problem' class='problem' role='alert'>{problem}</p>
    </form>
  )
}
