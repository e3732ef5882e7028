import type { Check, Finding } from '../check.js'
import { explainClose } from '../explain/close-codes.js'
import { explainHandshake } from '../explain/handshake.js'
import type { Facts } from '../facts.js'
import { Socket, unanswered } from '../socket.js'

export const upgrade: Check = {
  name: 'websocket',
  title: 'WebSocket',
  about: 'Whether a WebSocket opens through this address, and stays open.',
  async run (facts) {
    const { place, token, ended } = facts.options
    const url = `${place.ws}/`
    const socket = new Socket(url, token, ended)
    try {
      if (!await socket.opened) return await explainFailure(facts)
      const answer = await socket.ping()
      if (typeof answer === 'number') return { mark: 'pass', summary: `\`${url}\` opens, and answers.` }
      if (answer.code === 1008 && token === undefined && (await facts.info()).body?.auth === true) {
        return {
          mark: 'pass',
          summary: `\`${url}\` opens. The server then closed it, as it should: this test has no token.`
        }
      }
      const { what, change } = explainClose(answer)
      const withCode = answer.code === unanswered ? '' : ` with ${answer.code}`
      return { mark: 'fail', summary: `\`${url}\` opens, and then fails${withCode}. ${what}`, change }
    } finally {
      socket.close()
    }
  }
}

async function explainFailure (facts: Facts): Promise<Finding> {
  const [info, origin, ready] = await Promise.all([facts.info(), facts.originAnswer(), facts.ready()])
  const { what, change, paste } = explainHandshake({
    origin: facts.options.origin,
    infoStatus: info.status,
    originStatus: origin.status,
    readyStatus: ready.status
  })
  return { mark: 'fail', summary: what, change, ...(paste !== undefined && { paste }) }
}
