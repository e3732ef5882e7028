import type { Client, Frame } from '../helper.js'

/** A frame as it goes over the wire, whether it makes sense or not. */
export interface Shot {
  data: Buffer
  binary: boolean
}

export interface Outcome {
  /** What came back after each frame and before the next, and behind the last one. */
  answers: Frame[][]
  /** Present when the server closed the socket instead of going on. */
  code: number | undefined
}

/**
 * Sends frames, each with a ping behind it, whose pong tells which answers belong to which frame: the state in memory
 * answers at once, so nothing overtakes.
 */
export async function volley ({ socket, closed }: Client, shots: readonly Shot[]): Promise<Outcome> {
  const answers: Frame[][] = [[]]
  socket.on('message', (data) => answers.at(-1)?.push(JSON.parse(String(data)) as Frame))
  const isThrough = new Promise<undefined>((resolve) => {
    socket.on('pong', () => {
      answers.push([])
      if (answers.length > shots.length) resolve(undefined)
    })
  })
  for (const { data, binary } of shots) {
    socket.send(data, { binary })
    socket.ping()
  }
  return { code: await Promise.race([isThrough, closed.then(({ code }) => code)]), answers }
}
