import { BlockList, isIP } from 'node:net'

/** The networks that `TRUST_PROXY` may name. */
const named: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']
}

/**
 * Whether a TCP peer is a proxy whose `X-Forwarded-For` counts, by the value of `TRUST_PROXY`. Clients behind it are told
 * apart by that header, so its own address is not one client's.
 */
export function trustedProxies (setting: string): (address: string) => boolean {
  if (setting === 'false' || setting === '0') return () => false
  if (setting === 'true' || /^\d+$/.test(setting)) return () => true
  const list = new BlockList()
  for (const entry of setting.split(/\s*,\s*/).flatMap((entry) => named[entry] ?? entry)) {
    const [address = '', bits] = entry.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return (address) => isIP(address) !== 0 && list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}
