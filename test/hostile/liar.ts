import { once } from 'node:events'
import { type AddressInfo, connect as dial, createServer, type Socket } from 'node:net'
import type { Test } from 'tap'
import type { RedisServer } from '../redis.js'

/** A proxy before Redis that can answer commands with an error. */
export interface Liar {
  readonly url: string
  /** From now on answers commands whose name fits with this error. Redis does not get them. */
  lie: (error: string, fits: RegExp) => void
  tellTheTruth: () => void
}

export async function liarBefore (t: Test, { port }: RedisServer): Promise<Liar> {
  const sockets = new Set<Socket>()
  let error: string | undefined
  let lied = /^/
  const server = createServer((near) => {
    const far = dial(port, '127.0.0.1')
    let left = Buffer.alloc(0)
    near.on('data', (bytes: Buffer) => {
      left = Buffer.concat([left, bytes])
      for (let end = commandEnd(left); end > 0; end = commandEnd(left)) {
        const [, name = ''] = /^\*\d+\r\n\$\d+\r\n(\w+)/.exec(left.toString('latin1', 0, 64)) ?? []

        if (error !== undefined && lied.test(name)) far.write(echoOf(error))
        else far.write(left.subarray(0, end))
        left = left.subarray(end)
      }
    })
    far.on('data', (bytes: Buffer) => near.write(bytes))
    for (const [one, other] of [[near, far], [far, near]] as const) {
      sockets.add(one)
      one.on('error', () => {})
      one.on('close', () => {
        other.destroy()
        sockets.delete(one)
      })
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lie (answer, fits) {
      error = answer
      lied = fits
    },
    tellTheTruth () { error = undefined }
  }
}

/** Where the first command ends, or 0 when it is incomplete. */
function commandEnd (bytes: Buffer): number {
  let at = bytes.indexOf('\r\n')
  if (at === -1) return 0
  const count = Number(bytes.toString('latin1', 1, at))
  at += 2
  for (let part = 0; part < count; part++) {
    const end = bytes.indexOf('\r\n', at)
    if (end === -1) return 0
    at = end + 2 + Number(bytes.toString('latin1', at + 1, end)) + 2
    if (at > bytes.length) return 0
  }
  return at
}

/** A command that makes Redis answer with this error, so that answers keep their order. */
function echoOf (error: string): string {
  const script = `return redis.error_reply('${error}')`
  return `*3\r\n$4\r\nEVAL\r\n$${script.length}\r\n${script}\r\n$1\r\n0\r\n`
}
