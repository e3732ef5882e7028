import type { Check } from '../check.js'
import { countTypes } from '../explain/candidates.js'
import { explainIceError } from '../explain/ice-errors.js'
import { gather } from '../ice.js'

export const candidates: Check = {
  name: 'candidates',
  title: 'ICE candidates',
  about: 'The addresses at which other peers could reach this browser.',
  async run (facts, tell) {
    const { ended } = facts.options
    const servers = await facts.servers() ?? []
    const { candidates, errors } = await gather(servers, { ended, onCandidate: (candidates) => tell({ candidates }) })
    if (candidates.length === 0) {
      return {
        mark: 'fail',
        summary: 'This browser finds no address at all.',
        change: ['WebRTC is off in this browser, or an extension or policy blocks it: try another one.']
      }
    }
    const details = errors.map((error) => `\`${error.url}\`: ${explainIceError(error).what}`)
    const summary = `Found ${countTypes(candidates)} ${candidates.length === 1 ? 'candidate' : 'candidates'}.`
    return { mark: 'pass', summary: errors.length > 0 ? `${summary} Some servers gave none.` : summary, details, candidates }
  }
}
