import fastify from 'fastify'
import files from '@fastify/static'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import t from 'tap'
import { startChromium } from '../browser/browser.js'
import { build, urlOf } from '../helper.js'

const folder = resolve('examples/clients')

t.test('the page in the README of the clients, served as it is, meets another', async (t) => {
  const url = urlOf(await build(t))
  const [, snippet = ''] = /```html\n([^]*?)```/.exec(readFileSync(`${folder}/README.md`, 'utf8')) ?? []
  const pages = fastify({ forceCloseConnections: true })
  await pages.register(files, { root: folder })
  pages.get('/', async (_request, reply) => await reply
    .type('text/html')
    .send(`<!doctype html><link rel="icon" href="data:,">${snippet.replaceAll('//localhost:8080', url.replace('http:', ''))}`))
  await pages.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(async () => await pages.close())

  const browser = await startChromium(t)
  const open = async (hash: string) => {
    const page = await browser.newPage()
    page.on('pageerror', (error) => t.fail(error.message))
    page.on('console', (message) => { if (message.type() === 'error') t.fail(message.text()) })
    await page.goto(urlOf(pages) + hash)
    return page
  }
  const first = await open('/')
  await first.waitForURL(/#\d{4}$/)
  const second = await open(`/${new URL(first.url()).hash}`)
  for (const page of [first, second]) await page.getByText('hello').waitFor()
})
