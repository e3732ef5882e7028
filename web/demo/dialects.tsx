import type { DialectInfo } from '../shared/server.js'

/** A dialect, or a call between two. */
export type Choosable = Pick<DialectInfo, 'name' | 'title' | 'summary'>

interface DialectsProps {
  readonly dialects: readonly Choosable[]
  readonly chosen: Choosable | undefined
  readonly choose: (name: string) => void
}

export function Dialects ({ dialects, chosen, choose }: DialectsProps) {
  return (
    <fieldset class='dialects'>
      <legend>Dialect</legend>
      <div class='choices'>
        {dialects.map(({ name, title }) => (
          <label key={name}>
            <input type='radio' name='dialect' checked={name === chosen?.name} onChange={() => choose(name)} />
            <span>{title}</span>
          </label>
        ))}
      </div>
      <p class='muted'>{chosen?.summary}</p>
    </fieldset>
  )
}
