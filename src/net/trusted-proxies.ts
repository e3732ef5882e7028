import { BlockList, isIP } from 'node:net'
import { plainAddress } from './forwarded.js'

/** Networks that `TRUST_PROXY` may name. */
const namedNetworks: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']
}

/**
 * Makes of `TRUST_PROXY` a test of whether an address is that of a trusted proxy. Its clients are told apart by `X-Forwarded-For`, so
 * its own address is not that of one client.
 *
 * @returns a function of an address and its hop: 0 for the TCP peer, 1 for the address that this peer reports, and so on
 */
export function trustedProxies (setting: string): (address: string, hop?: number) => boolean {
  if (setting === 'false') return () => false
  if (setting === 'true') return () => true
  if (/^\d+$/.test(setting)) return (_address, hop = 0) => hop < Number(setting)
  const list = new BlockList()
  for (const entry of setting.split(/\s*,\s*/).flatMap((entry) => namedNetworks[entry] ?? entry)) {
    const [address = '', bits] = entry.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return (given) => {
    const address = plainAddress(given)
    return isIP(address) !== 0 && list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  }
}

/** Whether a `TRUST_PROXY` says by addresses who is a proxy. */
export function namesProxies (setting: string): boolean {
  return !/^(true|false|\d+)$/.test(setting)
}

/** Whether every entry of a `TRUST_PROXY` names somebody. The pattern of the schema lets through what only looks like an address. */
export function isTrustable (setting: string): boolean {
  return /^(true|false|\d{1,3})$/.test(setting) || setting.split(/\s*,\s*/).every((entry) => {
    const [address = '', bits = '1'] = entry.split('/')
    if (Object.hasOwn(namedNetworks, entry)) return true
    return isIP(address) !== 0 && Number(bits) >= 1 && Number(bits) <= (isIP(address) === 4 ? 32 : 128)
  })
}
