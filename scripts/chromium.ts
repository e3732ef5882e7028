import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Without a network of its own, and with a camera that needs no permission and shows few pictures a second, since each is encoded. */
export const chromiumSwitches = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-device-for-media-stream=fps=5',
  '--use-fake-ui-for-media-stream'
]

/** The first that is there is taken. The one without windows needs half the CPU. */
const names = ['chromium-headless-shell', 'chromium']

/** `CHROMIUM_PATH`, or the Chromium on the `PATH`. */
export function chromiumPath (): string {
  const { CHROMIUM_PATH, PATH = '' } = process.env
  const folders = PATH.split(delimiter)
  const candidates = CHROMIUM_PATH ? [CHROMIUM_PATH] : names.flatMap((name) => folders.map((folder) => join(folder, name)))
  const found = candidates.find(isExecutable)
  if (found === undefined) {
    throw new Error(CHROMIUM_PATH
      ? `CHROMIUM_PATH: ${CHROMIUM_PATH} cannot be run`
      : 'Chromium is not on the PATH: install it, or set CHROMIUM_PATH')
  }
  return found
}

function isExecutable (path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
