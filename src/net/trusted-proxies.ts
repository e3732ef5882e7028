import { BlockList, isIP } from 'node:net'

/** Networks that `TRUST_PROXY` may name. */
const namedNetworks: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']
}

/**
 * Makes of `TRUST_PROXY` a test of whether a TCP peer is a trusted proxy. Its clients are told apart by `X-Forwarded-For`, so its own
 * address is not that of one client.
 */
export function trustedProxies (setting: string): (address: string) => boolean {
  if (setting === 'false' || setting === '0') return () => false
  if (setting === 'true' || /^\d+$/.test(setting)) return () => true
  const list = new BlockList()
  for (const entry of setting.split(/\s*,\s*/).flatMap((entry) => namedNetworks[entry] ?? entry)) {
    const [address = '', bits] = entry.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return (address) => isIP(address) !== 0 && list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}
