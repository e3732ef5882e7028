import t from 'tap'
import { trustedProxies } from '../../src/net/trusted-proxies.js'

t.test('a proxy is whoever TRUST_PROXY names', async (t) => {
  for (const [setting, trusted, others] of [
    ['false', [], ['127.0.0.1', '::1']],
    ['true', ['127.0.0.1', '2001:db8::1'], []],
    ['2', ['127.0.0.1'], []],
    ['127.0.0.1', ['127.0.0.1', '::ffff:127.0.0.1'], ['127.0.0.2', '::1', 'unknown']],
    ['10.0.0.0/8, 2001:db8::/32', ['10.1.2.3', '::ffff:10.1.2.3', '2001:db8::5'], ['11.0.0.1', '2001:db9::1']],
    ['loopback,uniquelocal', ['127.9.9.9', '::1', '192.168.1.1', 'fd00::1'], ['8.8.8.8', '169.254.0.1']]
  ] as const) {
    const isProxy = trustedProxies(setting)
    for (const address of trusted) t.equal(isProxy(address), true, `${setting}: ${address}`)
    for (const address of others) t.equal(isProxy(address), false, `${setting}: ${address}`)
  }
})
