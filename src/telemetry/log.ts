import type { BaseLogger } from 'pino'

/** The app's own log, as the parts of the server use it. */
export type Log = Pick<BaseLogger, 'error' | 'warn' | 'info' | 'debug'>
