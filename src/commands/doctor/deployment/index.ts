import type { Check } from '../check.js'
import { iceChecks } from '../ice/checks.js'
import { addressChecks } from './addresses.js'
import { browserChecks } from './browser.js'
import type { Deployment } from './deployment.js'
import { dialectChecks } from './dialects.js'
import { reachChecks } from './reach.js'
import { silenceChecks } from './silence.js'
import { tokenChecks } from './tokens.js'
import { upgradeChecks } from './upgrade.js'

/** What is looked at with a URL, in this order. */
export const deploymentChecks: ReadonlyArray<Check<Deployment>> = [
  ...reachChecks,
  ...upgradeChecks,
  ...tokenChecks,
  ...dialectChecks,
  ...addressChecks,
  ...browserChecks,
  ...iceChecks('signalbox'),
  ...silenceChecks
]
