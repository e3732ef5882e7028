import type { Check } from '../check.js'
import { explainOrigin } from '../explain/handshake.js'
import { explainStatus } from '../explain/statuses.js'

export const origin: Check = {
  name: 'origin',
  title: 'Origin',
  about: 'Whether `ALLOWED_ORIGINS` lets pages of this address connect.',
  async run (facts) {
    const { origin } = facts.options
    const { status, body } = await facts.originAnswer()
    if (status === 204) return { mark: 'pass', summary: `Clients of pages at \`${origin}\` are let in.` }
    if (status === 403 && body?.error === 'origin not allowed') {
      const { what, change } = explainOrigin(origin)
      return { mark: 'fail', summary: what, change }
    }
    if (status === 403 || status === 405 || status === 501) {
      return {
        mark: 'warn',
        summary: `A proxy answered \`OPTIONS\` itself, with ${status}. So this could not be found out, and pages of other origins cannot ` +
          'use the REST paths.',
        change: ['Have the proxy pass `OPTIONS` on to Signalbox, which answers it.']
      }
    }
    const { what, change } = explainStatus(status)
    return { mark: 'fail', summary: `\`OPTIONS /info\`: ${what}`, change }
  }
}
