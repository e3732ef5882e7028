import { goAwayScript, dueScript, forgetAwayScript } from './away.js'
import { joinScript, leaveScript, reapScript, seenScript, sampleScript, snapshotScript } from './membership.js'
import { restoreScript } from './restoring.js'
import { sendScript, broadcastScript } from './relay.js'
import { sendOrKeepScript, broadcastOrKeepScript, expireMailScript } from './mail.js'
import { openScript, noteEmptyScript, closeEmptyScript } from './room-codes.js'
import { sendInSessionScript, endSessionScript } from './sessions.js'
import { beginAttemptScript, succeedAttemptScript, failAttemptScript, holdAttemptsScript } from './attempts.js'
import { probeScript, renewScript } from './leases.js'
import type { Script } from './script.js'

/** All scripts, each by the name under which a client of Redis knows it. */
export const scripts: readonly Script[] = [
  joinScript, restoreScript, leaveScript, reapScript, seenScript, sampleScript, snapshotScript,
  goAwayScript, dueScript, forgetAwayScript,
  sendScript, broadcastScript,
  sendOrKeepScript, broadcastOrKeepScript, expireMailScript,
  openScript, noteEmptyScript, closeEmptyScript,
  sendInSessionScript, endSessionScript,
  beginAttemptScript, succeedAttemptScript, failAttemptScript, holdAttemptsScript,
  probeScript, renewScript
]

/** The scripts for one Redis, or for the shards of a cluster, in the form that ioredis takes. */
export function scriptsFor (publish: 'PUBLISH' | 'SPUBLISH'): Record<string, { numberOfKeys: number, lua: string }> {
  return Object.fromEntries(scripts.map(({ name, numberOfKeys, lua }) => {
    return [name, { numberOfKeys, lua: lua.replaceAll("'PUBLISH'", `'${publish}'`) }]
  }))
}
