import type { Client, Frame } from '../helper.js'

/** A message as it is sent, valid or not. */
export interface Shot {
  data: Buffer
  binary: boolean
}

export interface Outcome {
  /** The answers to each frame, and those after the last. */
  answers: Frame[][]
  /** The close code when the server closed the socket. */
  code: number | undefined
}

/**
 * Sends frames, each followed by a ping, whose pong separates the answers to one frame from those to the next. An
 * answer may come late, where a registration waits for others.
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
