import type { FastifyInstance } from 'fastify'
import type { Browser, Page } from 'playwright-core'
import type { Test } from 'tap'
import { browse, type Browsing } from './browse.js'

/** The dialects as the demo names them. */
export const titles = { peerjs: 'PeerJS', rooms: '4-digit rooms', psync: 'PSync', drone: 'Drones and cameras', tom: 'ToM' }
export const dialects = Object.keys(titles) as Array<keyof typeof titles>

export async function stateIs (page: Page, text: string): Promise<void> {
  await page.getByRole('status').getByRole('heading', { name: text }).waitFor()
}

/** The link that a page shows for the other, without its origin. */
export async function linkOf (page: Page): Promise<string> {
  await page.getByRole('img', { name: 'The link as a QR code' }).waitFor()
  const link = await page.getByRole('link', { name: 'Open it in a new tab' }).getAttribute('href')
  const { pathname, hash } = new URL(link ?? '')
  return pathname + hash
}

/** Two pages in a call: the second has followed the link of the first. */
export async function call (
  t: Test,
  browser: Browser,
  app: FastifyInstance,
  dialect: string,
  options: Browsing = {}
): Promise<[Page, Page]> {
  const first = await browse(t, browser, app, `/demo#dialect=${dialect}`, options)
  const second = await browse(t, browser, app, await linkOf(first), options)
  for (const page of [first, second]) await stateIs(page, 'Connected')
  return [first, second]
}

/** What one page says arrives at the other. */
export async function say (from: Page, to: Page, text: string): Promise<void> {
  await from.getByRole('textbox', { name: 'Text' }).fill(text)
  await from.getByRole('textbox', { name: 'Text' }).press('Enter')
  await to.getByRole('log').getByText(text).waitFor()
}

/** Waits until two pictures of a video have been shown. */
export async function moves (page: Page, name: string): Promise<void> {
  await page.getByLabel(name, { exact: true }).evaluate(async (video) => {
    for (let shown = 0; shown < 2; shown++) await new Promise((resolve) => (video as HTMLVideoElement).requestVideoFrameCallback(resolve))
  })
}
