import { BlockList, isIP } from 'node:net'

const networks = new BlockList()
for (const [network, bits] of [
  ['0.0.0.0', 8], ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['172.16.0.0', 12], ['192.168.0.0', 16]
] as const) networks.addSubnet(network, bits, 'ipv4')
for (const [network, bits] of [['::', 127], ['fc00::', 7], ['fe80::', 10]] as const) networks.addSubnet(network, bits, 'ipv6')

/** Whether an address is of this machine or of a private network, which others cannot reach. */
export function isPrivate (address: string): boolean {
  const version = isIP(address)
  return version !== 0 && networks.check(plain(address), version === 4 || plain(address) !== address ? 'ipv4' : 'ipv6')
}

/** Whether an address is of this machine alone. */
export function isLoopback (address: string): boolean {
  return address === '::1' || plain(address).startsWith('127.')
}

/** An IPv4 address without what a dual-stack socket puts in front of it. */
export function plain (address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}
