import t from 'tap'
import { originFilter } from '../../src/net/origins.js'

t.test('a star lets everybody in', async (t) => {
  const isAllowed = originFilter(['https://example.com', '*'])
  for (const origin of ['https://evil.test', 'http://localhost:3000', 'null']) t.ok(isAllowed(origin), origin)
})

t.test('an exact origin is that origin and no other', async (t) => {
  const isAllowed = originFilter(['https://example.com', 'http://localhost:3000', 'null'])
  for (const origin of ['https://example.com', 'http://localhost:3000', 'null']) t.ok(isAllowed(origin), origin)
  for (const origin of [
    'http://example.com', 'https://example.com:8443', 'https://sub.example.com', 'https://example.com.evil.test',
    'https://evil.test/https://example.com', 'http://localhost', 'http://localhost:30000', '', 'https://'
  ]) t.notOk(isAllowed(origin), origin)
})

t.test('a star for the subdomain takes any depth, but neither the domain itself nor one that ends alike', async (t) => {
  const isAllowed = originFilter(['https://*.example.com', 'http://*.example.com:8080'])
  for (const origin of ['https://a.example.com', 'https://a.b.c.example.com', 'http://a.example.com:8080']) t.ok(isAllowed(origin), origin)
  for (const origin of [
    'https://example.com', 'https://.example.com', 'https://evilexample.com', 'http://a.example.com', 'https://a.example.com:8080',
    'https://a.example.com.evil.test', 'https://aXexample.com', 'https://a.example.comx', 'https://a.example.com:443',
    'https://a.example.com:',
    'https://evil.test/.example.com', 'https://evil.test?.example.com', 'https://evil.test#.example.com', 'https://evil.test\\.example.com',
    'https://evil.test:1.example.com', 'https://evil@a.example.com', 'https://evil:a@a.example.com',
    'https://a..example.com', 'https://%.example.com',
    'https://a .example.com', 'https://a.example.com\n', 'https://*.example.com', 'https://[::1].example.com'
  ]) t.notOk(isAllowed(origin), origin)
})

t.test('an empty list lets no browser in', async (t) => {
  t.notOk(originFilter([])('https://example.com'))
})

t.test('an entry matches as a browser writes it', async (t) => {
  const isAllowed = originFilter([
    'HTTPS://Example.COM:443', 'http://münchen.example:80', 'https://*.MÜNCHEN.example', 'file://',
    'capacitor://localhost', 'http://[0:0::1]:3000'
  ])
  for (const origin of [
    'https://example.com', 'http://xn--mnchen-3ya.example', 'https://a.xn--mnchen-3ya.example', 'file://',
    'capacitor://localhost', 'http://[::1]:3000'
  ]) t.ok(isAllowed(origin), origin)
  for (const origin of ['https://example.com:443', 'null', 'file:///', 'capacitor://localhost.evil.test']) {
    t.notOk(isAllowed(origin), origin)
  }
})
