import t from 'tap'
import { originFilter } from '../src/origins.js'

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
    'https://a.example.com.evil.test', 'https://aXexample.com', 'https://a.example.comx'
  ]) t.notOk(isAllowed(origin), origin)
})

t.test('an empty list lets no browser in', async (t) => {
  t.notOk(originFilter([])('https://example.com'))
})
