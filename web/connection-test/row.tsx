import { Copied } from '../shared/copied.js'
import type { Check, Finding } from './check.js'
import { type Candidate, typeWords } from './explain/candidates.js'
import { Prose } from './prose.js'
import { marks } from './report.js'
import type { State } from './runner.js'

interface RowProps {
  readonly check: Check
  readonly state: State
  readonly skip: () => void
}

/** One check: its mark, and what it says. */
export function Row ({ check, state, skip }: RowProps) {
  const finding = state.phase === 'done' ? state.finding : undefined
  const news = state.phase === 'done' ? undefined : state
  const { sign, word } = finding === undefined
    ? { sign: '', word: state.phase === 'running' ? 'Running' : 'Waiting' }
    : marks[finding.mark]
  const candidates = finding?.candidates ?? news?.candidates ?? []
  return (
    <li class='check' id={check.name} data-mark={finding?.mark ?? state.phase}>
      <span class='mark' aria-hidden='true'>{sign}</span>
      <div class='said'>
        <h3><span class='unseen'>{word}: </span>{check.title}</h3>
        <p class={finding === undefined ? 'muted' : undefined}><Prose text={finding?.summary ?? news?.text ?? check.about} /></p>
        {state.phase === 'running' && check.canSkip === true && news?.progress !== undefined && (
          <div class='progress'>
            <progress value={news.progress} max='1' aria-label={check.title} />
            <button type='button' onClick={skip}>Skip</button>
          </div>
        )}
        {candidates.length > 0 && <Candidates candidates={candidates} />}
        {finding !== undefined && <More {...finding} />}
      </div>
    </li>
  )
}

function More ({ details = [], change = [], paste }: Finding) {
  return (
    <>
      {details.length > 0 && <ul class='details muted'>{details.map((detail) => <li key={detail}><Prose text={detail} /></li>)}</ul>}
      {change.length > 0 && (
        <div class='change'>
          <h4>What to change</h4>
          <ul>{change.map((step) => <li key={step}><Prose text={step} /></li>)}</ul>
          {paste !== undefined && <Copied label='these lines' text={paste} />}
        </div>
      )}
    </>
  )
}

function Candidates ({ candidates }: { readonly candidates: readonly Candidate[] }) {
  return (
    <div class='wide' tabIndex={0} role='region' aria-label='ICE candidates'>
      <table>
        <thead><tr><th scope='col'>Type</th><th scope='col'>Over</th><th scope='col'>Address</th></tr></thead>
        <tbody>
          {candidates.map(({ type, protocol, address, port, relayProtocol }, index) => (
            <tr key={index}>
              <th scope='row'>{type}<small>{typeWords[type]}</small></th>
              <td>{protocol}{relayProtocol !== null && <small>to the server: {relayProtocol}</small>}</td>
              <td>
                {address.endsWith('.local') ? 'hidden by the browser' : address}
                <small>port {port ?? 'unknown'}</small>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
