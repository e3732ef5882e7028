import t from 'tap'
import { networkOf } from '../../src/net/address.js'

for (const [address, network] of [
  ['192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2::1', '2001:db8:1:2::/64'],
  ['2001:0db8:0001:0002:0000:0000:0000:0001', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:db8:0:0:1::', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:c000:201', '192.0.2.1'],
  ['::ffff:0:1', '0.0.0.1'],
  ['unknown', 'unknown'],
  ['192.0.2.1:1234', '192.0.2.1:1234'],
  ['', ''],
  ['x'.repeat(1000), 'x'.repeat(64)]
] as const) {
  t.test(`${address.slice(0, 64)} counts as ${network}`, async (t) => t.equal(networkOf(address), network))
}
