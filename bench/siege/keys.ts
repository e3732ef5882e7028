import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The one key that the server knows. */
export const keyId = 'siege'

export interface KeyServer {
  readonly url: string
  /** PEM. Honest clients and attackers both sign their tokens with it. */
  readonly privateKey: string
  /** Delay of each answer, in ms. */
  delayMs: number
  close (): void
}

/** A JWKS server whose answers can be delayed. */
export async function startKeyServer (): Promise<KeyServer> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const keys = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: keyId, alg: 'EdDSA' }] })
  const server = createServer((_request, response) => { setTimeout(() => response.end(keys), keyServer.delayMs) }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const keyServer: KeyServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`,
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    delayMs: 0,
    close () {
      server.close()
      server.closeAllConnections()
    }
  }
  return keyServer
}

/** Makes a function that signs tokens. They last for an hour unless the claims say otherwise. */
export function tokensOf (privateKey: string): (claims: object, header?: object) => string {
  const key = createPrivateKey(privateKey)
  const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url')
  return (claims, header) => {
    const input = `${encode({ alg: 'EdDSA', typ: 'JWT', kid: keyId, ...header })}.${encode({
      exp: Math.floor(Date.now() / 1000) + 3600,
      ...claims
    })}`
    return `${input}.${sign(null, Buffer.from(input), key).toString('base64url')}`
  }
}
