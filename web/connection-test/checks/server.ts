import type { Check } from '../check.js'
import { explainStatus } from '../explain/statuses.js'

export const server: Check = {
  name: 'server',
  title: 'Server',
  about: 'Whether `/info`, `/health` and `/ready` answer through this address.',
  async run (facts) {
    const [info, health, ready] = await Promise.all([facts.info(), facts.health(), facts.ready()])
    if (info.status !== 200 || info.body?.version === undefined) {
      const { what, change } = explainStatus(info.status)
      return { mark: 'fail', summary: `\`GET /info\`: ${what}`, change }
    }
    if (health.body?.status !== 'ok') {
      const { what, change } = explainStatus(health.status)
      return { mark: 'fail', summary: `\`GET /health\`: ${what}`, change }
    }
    const dialects = info.body.dialects.map(({ title }) => title).join(', ') || 'none built in'
    const details = [`Version ${info.body.version}. Dialects: ${dialects}.`]
    if (ready.status !== 200) {
      return {
        mark: 'warn',
        summary: `It runs, but \`GET /ready\` was answered with ${ready.status}: it is restarting, or does not reach Redis.`,
        details,
        change: ['If it stays so, see whether Redis runs at `REDIS_URL`, and read the server’s log.']
      }
    }
    return { mark: 'pass', summary: `It answers in ${Math.max(1, Math.round(info.ms))} ms, and is ready for clients.`, details }
  }
}
