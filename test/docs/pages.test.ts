import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import t from 'tap'
import type { DialectDescription } from '../../routes/dialect.js'
import * as builtIn from '../../src/dialects.js'
import { build } from '../helper.js'
import { anchorsOf, prose } from './anchors.js'

const root = new URL('../../', import.meta.url)
const pages = execFileSync('git', ['ls-files', '*.md'], { cwd: root, encoding: 'utf8' }).trim().split('\n')
const read = (page: string) => readFileSync(new URL(page, root), 'utf8')
/** Longer than 140 characters, and neither a row of a table nor a link that cannot be broken. */
const isTooLong = (line: string) => line.length > 140 && !/^ *(\||\S+$)/.test(line)

/** What the npm package holds, without the built server: `docs/api.md`. */
function packed (): string[] {
  const said = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root, encoding: 'utf8', stdio: 'pipe' })
  const [{ files }] = JSON.parse(said) as [{ files: Array<{ path: string }> }]
  return files.map(({ path }) => path)
}

/** Where a page links to, from the root: `docs/auth.md`, with the anchor if there is one. */
function linksOf (page: string): Array<[target: string, anchor: string | undefined]> {
  return [...prose(read(page)).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)].map(([, target = '', anchor]) => {
    return [target === '' ? page : new URL(target, new URL(page, 'root:/')).pathname.slice(1), anchor]
  })
}

/** What has links: the pages, and the page for programs that read. */
const linking = [...pages, 'llms.txt']

t.test('every link of every page leads somewhere', async (t) => {
  t.ok(pages.length > 15)
  for (const page of linking) {
    for (const [target, anchor] of linksOf(page)) {
      t.ok(existsSync(new URL(target, root)), `${page}: ${target}`)
      if (anchor !== undefined) t.ok(anchorsOf(read(target)).includes(anchor), `${page}: ${target}#${anchor}`)
    }
  }
})

t.test('in the npm package, too: the package has each page, and whatever it links to', async (t) => {
  const files = packed()
  for (const page of linking) {
    t.ok(files.includes(page), page)
    for (const [target] of linksOf(page)) {
      t.ok(files.some((file) => file === target || file.startsWith(`${target.replace(/\/$/, '')}/`)), `${page}: ${target}`)
    }
  }
})

t.test('docs/README.md leads to every page of docs, and README.md leads to it', async (t) => {
  const indexed = linksOf('docs/README.md').map(([target]) => target)
  const own = pages.filter((page) => /^(docs|routes)\//.test(page) && page !== 'docs/README.md')
  t.same(own.filter((page) => !indexed.includes(page)), [])
  t.ok(linksOf('README.md').some(([target]) => target === 'docs/README.md'))
})

/** Two of them are in one folder. */
const folderOf = (dialect: string): string => dialect === 'whep' ? 'whip' : dialect

t.test('the table of dialects in README.md has each by its title and its summary, says which are off, and has no other', async (t) => {
  const rows = [...read('README.md').matchAll(/^\| `(\w+)`: \[(.*?)\]\(routes\/(\w+)\/README\.md\)(, off by default|) \| (.*?) \|/gm)]
  const described = Object.values<DialectDescription>(builtIn)
    .map(({ name, title, isOptional = false, summary }) => [name, title, folderOf(name), isOptional ? ', off by default' : '', summary])
  const byName = (rows: string[][]): string[][] => rows.sort(([one = ''], [other = '']) => one < other ? -1 : 1)
  t.same(byName(rows.map(([, ...cells]) => cells)), byName(described))
})

t.test('llms.txt names every dialect, the commands of README.md, and the paths that a server has', async (t) => {
  const text = read('llms.txt')
  t.match(text, /^# Signalbox\n\n> /, 'as https://llmstxt.org has it')
  for (const name of Object.keys(builtIn)) t.match(text, `routes/${folderOf(name)}/README.md`)
  const [, command = ''] = /^```sh\n(.*)\n```$/m.exec(text) ?? []
  t.match(read('README.md'), command)
  const app = await build(t)
  for (const [, path = ''] of text.matchAll(/`(\/[\w./-]+)`/g)) {
    t.ok(app.hasRoute({ method: 'GET', url: path === '/admin' ? '/admin/node' : path }), path)
  }
})

t.test('what a page says about a test is said of one that there is', async (t) => {
  const named = pages.flatMap((page) => [...prose(read(page)).matchAll(/`((?:test|src)\/[\w./-]+\.\w+)`/g)].map(([, file = '']) => file))
  t.ok(named.length > 100)
  for (const file of named) t.ok(existsSync(new URL(file, root)), file)
})

t.test('no line of prose has more than 140 characters', async (t) => {
  for (const page of pages) {
    t.same(prose(read(page)).split('\n').filter(isTooLong), [], page)
  }
})

interface Rule { name: string, to: { pathNot?: string } }

/** What a folder may import besides itself, as the map says it. */
function importsOf (name: string, pathNot: string): string {
  const allowed = (/\(([^)]*)\)/.exec(pathNot)?.[1] ?? '').split('|').filter((folder) => `src/${folder}` !== name)
  return allowed.length === 0 ? 'nothing else of ours' : allowed.map((folder) => `\`${folder}\``).join(', ')
}

t.test('the map in docs/design.md says what the lint rules say', async (t) => {
  const { forbidden } = createRequire(import.meta.url)('../../.dependency-cruiser.cjs') as { forbidden: Rule[] }
  const map = read('docs/design.md').matchAll(/^\| `(src\/\w+)` \| .* \| (.*) \|$/gm)
  const rows = new Map([...map].map(([, folder = '', imports = '']) => [folder, imports]))
  const rules = forbidden.filter(({ name }) => name.startsWith('src/'))
  t.ok(rules.length > 5)
  for (const { name, to: { pathNot } } of rules) {
    t.same(rows.get(name), pathNot === undefined ? 'everything of `src`' : importsOf(name, pathNot), name)
  }
})
