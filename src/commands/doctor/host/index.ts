import type { Check } from '../check.js'
import { iceChecks } from '../ice/checks.js'
import { certificateChecks } from './certificate.js'
import type { Host } from './host.js'
import { listenerChecks } from './listeners.js'
import { machineChecks } from './machine.js'
import { redisChecks } from './redis.js'
import { settingChecks } from './settings.js'

/** What is looked at without a URL, in this order. */
export const hostChecks: ReadonlyArray<Check<Host>> = [
  ...settingChecks,
  ...machineChecks,
  ...listenerChecks,
  ...certificateChecks,
  ...redisChecks,
  ...iceChecks('settings')
]
