import type { FastifyInstance } from 'fastify'
import type { Page } from 'playwright-core'
import type { Test } from 'tap'
import { urlOf } from '../helper.js'
import type { launch } from './browser.js'

declare const client: typeof import('./pages/peerjs.js')

export type Where = Parameters<typeof client.start>[0]

export function whereIs (app: FastifyInstance): Where {
  return { port: Number(new URL(urlOf(app)).port) }
}

export async function openedIn (page: Page): Promise<string> {
  return await page.evaluate(async () => await client.opened())
}

export async function failedIn (page: Page): Promise<string> {
  return await page.evaluate(async () => await client.failed())
}

/** Opens pages of PeerJS. */
export function peerPages (open: Awaited<ReturnType<typeof launch>>) {
  /** A page whose peer is still connecting to the server. */
  async function begin (t: Test, where: Where, id?: string): Promise<Page> {
    const page = await open(t, 'peerjs.ts')
    await page.evaluate(({ where, id }) => client.start(where, id), { where, id })
    return page
  }

  /** A page with an open peer. */
  async function join (t: Test, where: Where, id: string): Promise<Page> {
    const page = await begin(t, where, id)
    t.equal(await openedIn(page), id)
    return page
  }

  return { begin, join }
}

/** Both pages exchange messages over their data connection. */
export async function exchange (t: Test, label: string, [a, b]: readonly [Page, Page]): Promise<void> {
  const fromA = { text: `${label} from a`, numbers: [1, 2, 3] }
  const fromB = { text: `${label} from b`, nested: { is: true } }
  const heard = await Promise.all([
    a.evaluate(async ({ label, value }) => await client.exchange(label, value), { label, value: fromA }),
    b.evaluate(async ({ label, value }) => await client.exchange(label, value), { label, value: fromB })
  ])
  t.same(heard, [fromB, fromA])
}
