import { once } from 'node:events'
import { lstatSync, type Stats, unlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { ConfigError, invalidValue } from '../config/config-error.js'

/** Leaves the owner and the group of a new socket the right to connect: mode 0660. */
const umask = 0o117

/**
 * Listens on the path of a Unix socket, which the owner and the group of the file may use from the start. The file of a server that has
 * gone is removed first. Nothing else is: no file, no link, and no socket that somebody listens on.
 *
 * @param listen must bind the path before its promise is settled
 * @throws ConfigError where something else is at the path
 */
export async function listenAtPath (path: string, listen: () => Promise<unknown>): Promise<void> {
  await removeStale(path)
  const before = process.umask(umask)
  try {
    await listen()
  } finally {
    process.umask(before)
  }
}

async function removeStale (path: string): Promise<void> {
  const found = statusOf(path)
  if (found === undefined) return
  if (!found.isSocket()) {
    throw new ConfigError(`HOST: ${invalidValue(JSON.stringify(`unix:${path}`), 'a path where nothing is, or a socket left behind')}`)
  }
  if (await isInUse(path)) throw new ConfigError(`HOST: unix:${path} is in use by another process`)
  // Another server that starts at the same moment may have put its own in place of the old one.
  if (statusOf(path)?.ino === found.ino) unlinkSync(path)
}

function statusOf (path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false })
}

/** Only a refusal tells that nobody listens: one who is busy, or whose socket is of another type, has the path all the same. */
async function isInUse (path: string): Promise<boolean> {
  const socket = connect({ path })
  try {
    await once(socket, 'connect')
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EACCES') throw error
    return code !== 'ECONNREFUSED' && code !== 'ENOENT'
  } finally {
    socket.destroy()
  }
}
